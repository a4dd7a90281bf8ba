package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
)

var batcherDefaults = predict.BatcherOptions{}

// served has a server answer at an address of its own until the test ends, or stop is called.
func served(t *testing.T, s *server.Server, scheme string) (url string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener, server.Stopping{}) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return scheme + "://" + listener.Addr().String(), stop
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peakOf is how much more the heap has while f runs, garbage included.
func peakOf(f func()) uint64 {
	before := heap()
	done := make(chan struct{})
	var most uint64
	var sampling sync.WaitGroup
	sampling.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	f()
	close(done)
	sampling.Wait()
	return max(most, before) - before
}

// TestConnections opens more connections than there may be.
func TestConnections(t *testing.T) {
	s := newServer(t, server.Options{Connections: server.NewConnections(3)})
	url, _ := served(t, s, "http")
	address := strings.TrimPrefix(url, "http://")
	var open []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := c.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	beyond, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer beyond.Close()
	beyond.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := beyond.Read(make([]byte, 1)); err == nil || n > 0 || strings.Contains(err.Error(), "timeout") {
		t.Errorf("a connection too many is open: %v", err)
	}
	open[0].Close()
	until(t, "there is room again", func() bool {
		r, err := http.Get(url + "/metrics")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		return strings.Contains(string(body), "inception_connections 3") && strings.Contains(string(body), "inception_connections_refused_total ")
	})
}

// TestSlowClients has clients send a byte at a time and announce large bodies, which hold no
// memory, and expects others to be answered meanwhile.
func TestSlowClients(t *testing.T) {
	const body, bodies = 8 << 20, 32 << 20
	s := newServer(t, server.Options{MaxBody: body, Bodies: bodies}, model(t, "m", tiny(t), batcherDefaults))
	url, _ := served(t, s, "http")
	address := strings.TrimPrefix(url, "http://")
	file := picture(t, 80, 80)
	goroutines := runtime.NumGoroutine()
	var slow []net.Conn
	more := peakOf(func() {
		for i := range 40 {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			slow = append(slow, c)
			if i%2 == 0 {
				fmt.Fprintf(c, "POST /classify HTTP/1.1\r\nHost: a\r\nX-A: ")
				continue
			}
			// Three such bodies are in the bound, and the others are refused.
			fmt.Fprintf(c, "POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\nx", body)
		}
		time.Sleep(100 * time.Millisecond)
		for range 5 {
			for _, c := range slow {
				_, _ = c.Write([]byte("y"))
			}
			ask(t, s, 200, "GET", "/v2", nil)
		}
	})
	if limit := uint64(8 << 20); more > limit {
		t.Errorf("40 slow clients take %d bytes, more than %d", more, limit)
	}
	t.Logf("40 slow clients take %d KiB", more>>10)
	// What they announced counts, so that others are refused at once, until they go.
	if w := ask(t, s, 503, "POST", "/classify", file); w.Header().Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %s", w.Body)
	}
	for _, c := range slow {
		c.Close()
	}
	until(t, "they have gone", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	ask(t, s, 200, "POST", "/classify", file)
}

// TestBombs sends what would become large, and expects it to be refused before it does.
func TestBombs(t *testing.T) {
	const limit = 4 << 20
	s := newServer(t, server.Options{MaxBody: limit}, model(t, "m", tiny(t), predict.BatcherOptions{}))
	zeros := make([]byte, 64<<20)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(zeros)
	z.Close()
	// A PNG that says that it is 60000 pixels wide and high, and one that is no more than
	// its limits allow.
	huge := picture(t, 80, 80)
	copy(huge[16:], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60})
	b64 := base64.StdEncoding.EncodeToString(huge)
	for _, c := range []struct {
		what, path string
		body       []byte
		status     int
		header     []string
	}{
		{"a compressed body", "/classify", zipped.Bytes(), 413, []string{"Content-Encoding", "gzip"}},
		{"a picture", "/classify", huge, 400, nil},
		{"a picture in base64", "/v1/models/m:predict", []byte(`{"instances":[{"b64":"` + b64 + `"}]}`), 400, nil},
		{"deep JSON", "/v2/models/m/infer", bytes.Repeat([]byte("["), limit), 400, nil},
		{"deep JSON of TensorFlow Serving", "/v1/models/m:predict", bytes.Repeat([]byte(`{"a":`), limit/5), 400, nil},
		{"a huge shape", "/v2/models/m/infer", []byte(`{"inputs":[{"name":"images","datatype":"FP32","shape":[64,75,75,3],"data":[]}]}`), 400, nil},
		{"an overflowing shape", "/v2/models/m/infer", []byte(`{"inputs":[{"name":"images","datatype":"FP32","shape":[4611686018427387904,75,75,3],"data":[0]}]}`), 400, nil},
		{"a negative shape", "/v2/models/m/infer", []byte(`{"inputs":[{"name":"images","datatype":"FP32","shape":[-1,75,75,3],"data":[0]}]}`), 400, nil},
		{"a huge binary size", "/v2/models/m/infer", []byte(`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":9223372036854775807}}]}`), 400, []string{"Inference-Header-Content-Length", "128"}},
	} {
		more := peakOf(func() { ask(t, s, c.status, "POST", c.path, c.body, c.header...) })
		if most := uint64(6 * limit); more > most {
			t.Errorf("%s takes %d bytes, more than %d", c.what, more, most)
		}
		t.Logf("%s takes %d KiB", c.what, more>>10)
	}
}

// TestHeaders sends more of a header than there may be.
func TestHeaders(t *testing.T) {
	url, _ := served(t, newServer(t, server.Options{}), "http")
	r, err := http.NewRequest("GET", url+"/v2", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-A", strings.Repeat("a", 128<<10))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 128 KiB: %s", response.Status)
	}
}

// TestBodiesOfUnknownLength has more requests wait in mid-body than the limit on all bodies
// would have room for at their largest, and expects others to be answered, until what has come
// takes it all.
func TestBodiesOfUnknownLength(t *testing.T) {
	const body, bodies = 1 << 20, 4 << 20
	s := newServer(t, server.Options{MaxBody: body, Bodies: bodies}, model(t, "m", tiny(t), batcherDefaults))
	file := picture(t, 80, 80)
	var pipes []*io.PipeWriter
	var asked sync.WaitGroup
	for range 10 {
		from, to := io.Pipe()
		pipes = append(pipes, to)
		asked.Go(func() {
			r := httptest.NewRequest("POST", "/classify", from) // chunked
			s.ServeHTTP(httptest.NewRecorder(), r)
			from.CloseWithError(io.ErrClosedPipe) // as a connection that has been answered
		})
		if _, err := to.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	ask(t, s, 200, "POST", "/classify", file)
	refused := 0
	for _, p := range pipes {
		if _, err := p.Write(make([]byte, body/2)); err != nil {
			refused++
		} else if _, err := p.Write([]byte("x")); err != nil {
			refused++
		}
	}
	if refused != 3 {
		t.Errorf("%d of 10 bodies of half a MiB are refused at a limit of 4 MiB, want 3", refused)
	}
	for _, p := range pipes {
		p.Close()
	}
	asked.Wait()
	ask(t, s, 200, "POST", "/classify", file)
}
