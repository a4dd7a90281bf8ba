package server_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// frameOf is a message as gRPC sends it, of which more may be announced than there is.
func frameOf(announced int, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(announced)), data...)
}

// slowCall begins a call that sends what is written, and tells how it ended.
func slowCall(client *http.Client, address, method string) (to *io.PipeWriter, ended chan string) {
	from, to := io.Pipe()
	ended = make(chan string, 1)
	go func() {
		r, err := http.NewRequest("POST", "http://"+address+method, from)
		if err != nil {
			panic(err)
		}
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("Te", "trailers")
		answer, err := client.Do(r)
		if err != nil {
			from.CloseWithError(err)
			ended <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		from.CloseWithError(io.ErrClosedPipe)
		ended <- fmt.Sprintf("%d bytes, %v, status %s%s", len(body), err, answer.Header.Get("Grpc-Status"), answer.Trailer.Get("Grpc-Status"))
	}()
	return to, ended
}

// overHTTP2 is a client of one connection without encryption.
func overHTTP2(t *testing.T) *http.Client {
	t.Helper()
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &only}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestArrivals has many calls hold messages that do not end, more of them than there may be,
// and expects connections to be closed that hold most, and others to be answered.
func TestArrivals(t *testing.T) {
	const body, bodies, streams = 8 << 20, 16 << 20, 12
	s := newServer(t, server.Options{MaxBody: body, Bodies: bodies}, model(t, "m", tiny(t), batcherDefaults))
	connection, _ := overGRPC(t, s, server.Stopping{})
	honest := inference.NewGRPCInferenceServiceClient(connection)
	file := element(picture(t, 80, 80))
	classify := func() {
		t.Helper()
		if _, err := honest.ModelInfer(context.Background(), request("m", files(1), file)); err != nil {
			t.Errorf("an honest client: %v", err)
		}
	}
	classify()
	part := frameOf(body, make([]byte, 2<<20))
	for _, method := range []string{inference.GRPCInferenceService_ModelInfer_FullMethodName, inference.GRPCInferenceService_ModelStreamInfer_FullMethodName} {
		closed := 0
		more := peakOf(func() {
			for range 4 {
				client := overHTTP2(t)
				var all sync.WaitGroup
				var ends []chan string
				var pipes []*io.PipeWriter
				for range streams {
					to, ended := slowCall(client, connection.Target(), method)
					pipes, ends = append(pipes, to), append(ends, ended)
					all.Go(func() { _, _ = to.Write(part) })
				}
				all.Wait()
				classify()
				for i, ended := range ends {
					select {
					case <-ended:
						closed++
					default:
						defer pipes[i].Close()
					}
				}
			}
		})
		// Each connection would hold 24 MiB, which is more than all may.
		if closed < 3*streams {
			t.Errorf("%s: %d of %d calls ended, want most", method, closed, 4*streams)
		}
		if limit := uint64(3*bodies + 16<<20); more > limit { // garbage included
			t.Errorf("%s: messages that arrive take %d bytes, more than %d", method, more, limit)
		}
		t.Logf("%s: %d of %d calls ended, %d MiB", method, closed, 4*streams, more>>20)
		classify()
	}
}

// TestSlowConnections sends headers, bodies and messages so slowly that connections are closed,
// and not before.
func TestSlowConnections(t *testing.T) {
	const header, read = 400 * time.Millisecond, 700 * time.Millisecond
	s := newServer(t, server.Options{}, model(t, "m", tiny(t), batcherDefaults))
	s.SetTimes(header, read)
	url, _ := served(t, s, "http")
	connection, _ := overGRPC(t, s, server.Stopping{})
	message, err := proto.Marshal(request("m", files(1), element(picture(t, 80, 80))))
	if err != nil {
		t.Fatal(err)
	}
	within := func(what string, limit time.Duration, ended func()) {
		t.Helper()
		began := time.Now()
		ended()
		if took := time.Since(began); took < limit*8/10 || took > limit+3*time.Second {
			t.Errorf("%s ended after %v, want %v", what, took, limit)
		} else {
			t.Logf("%s ended after %v", what, took)
		}
	}
	drip := func(begin string) func() {
		return func() {
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, begin)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = io.Copy(io.Discard, c)
			}()
			for {
				select {
				case <-done:
					return
				case <-time.After(20 * time.Millisecond):
					_, _ = c.Write([]byte("x"))
				}
			}
		}
	}
	within("a header", header, drip("GET /v2 HTTP/1.1\r\nHost: a\r\nX-A: "))
	within("a body", read, drip("POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"))
	call := func(method string, whole int) func() {
		return func() {
			to, ended := slowCall(overHTTP2(t), connection.Target(), method)
			for range whole {
				if _, err := to.Write(frameOf(len(message), message)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := to.Write(frameOf(1000000, nil)); err != nil {
				t.Fatal(err)
			}
			for {
				select {
				case how := <-ended:
					t.Logf("%s: %s", method, how)
					return
				case <-time.After(20 * time.Millisecond):
					_, _ = to.Write([]byte("x"))
				}
			}
		}
	}
	within("a message", read, call(inference.GRPCInferenceService_ModelInfer_FullMethodName, 0))
	within("a later message of a stream", read, call(inference.GRPCInferenceService_ModelStreamInfer_FullMethodName, 3))

	// A stream that waits between messages is not slow.
	stream, err := inference.NewGRPCInferenceServiceClient(connection).ModelStreamInfer(context.Background(), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := stream.Send(request("m", files(1), element(picture(t, 80, 80)))); err != nil {
			t.Fatal(err)
		}
		if out, err := stream.Recv(); err != nil || out.ErrorMessage != "" {
			t.Errorf("%v, %v", out, err)
		}
		time.Sleep(2 * read)
	}
}
