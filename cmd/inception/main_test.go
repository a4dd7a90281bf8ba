//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// asProgram makes the test's program be the program.
const asProgram = "INCEPTION_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// tiny writes the weights of a network that runs in milliseconds.
func tiny(t *testing.T) string {
	t.Helper()
	options := arch.Options{Classes: 3, Width: 0.125, Blocks: []int{1, 1, 1}}
	p := recipe.Inception()
	p.Size = 75
	return golden.WriteWeights(t, "inception_resnet_v1", options, weights.Native, weights.Metadata{Network: "inception_resnet_v1", Options: options, Preprocessing: &p})
}

// A process is a server that a test has started.
type process struct {
	*exec.Cmd
	url   string
	ended chan struct{}

	mu  sync.Mutex
	log []string
}

// serve starts a server and waits until it is ready.
func serve(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], append([]string{"serve", "--http", "127.0.0.1:0"}, args...)...), ended: make(chan struct{})}
	p.Env = append(os.Environ(), asProgram+"=1")
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	ready := make(chan string, 1)
	go func() {
		defer close(p.ended)
		address := regexp.MustCompile(`msg=ready http=(\S+)`)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if found := address.FindStringSubmatch(lines.Text()); found != nil {
				ready <- found[1]
			}
			p.mu.Lock()
			p.log = append(p.log, lines.Text())
			p.mu.Unlock()
		}
	}()
	select {
	case p.url = <-ready:
	case <-p.ended:
		t.Fatalf("it ended: %s", strings.Join(p.lines(""), "\n"))
	case <-time.After(30 * time.Second):
		t.Fatalf("it is not ready: %s", strings.Join(p.lines(""), "\n"))
	}
	return p
}

// lines are those of the log with a text.
func (p *process) lines(with string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []string
	for _, line := range p.log {
		if strings.Contains(line, with) {
			found = append(found, line)
		}
	}
	return found
}

// end waits for the exit, and returns its error.
func (p *process) end(t *testing.T) error {
	t.Helper()
	select {
	case <-p.ended:
		return p.Wait()
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
	return nil
}

// times is how often servers are stopped: INCEPTION_TIMES, or a few.
func times(t *testing.T) int {
	t.Helper()
	text, ok := os.LookupEnv("INCEPTION_TIMES")
	if !ok {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStopsUnderLoad sends SIGTERM to servers that many clients ask. Those of every second
// server stop asking when it is unready, as a balancer does, and all their requests are
// answered; the others go on until nobody listens. Each request that a server took has its
// answer.
func TestStopsUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes; leave out -short")
	}
	weights := tiny(t)
	file := pictures.PNG(t, pictures.Draw(90, 80, func(x, y int) color.NRGBA { return color.NRGBA{uint8(x * 7), uint8(y * 5), uint8(x * y), 255} }))
	answered, refused := 0, 0
	for i := range times(t) {
		a, r := stopUnderLoad(t, weights, file, i)
		answered, refused = answered+a, refused+r
	}
	t.Logf("%d answers, %d connections refused or closed before a request was taken", answered, refused)
}

func stopUnderLoad(t *testing.T, weights string, file []byte, round int) (answered, refused int) {
	balanced := round%2 == 0
	delay := "0s"
	if balanced {
		delay = "1s"
	}
	p := serve(t, "a="+weights, "--drain-delay", delay)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	unready := make(chan struct{})
	var mu sync.Mutex
	got := map[string]bool{} // ids of requests that were answered
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-unready:
					if balanced {
						return
					}
				default:
				}
				id := fmt.Sprintf("r-%d-%d-%d", round, c, n)
				err := classify(client, p.url, id, file)
				mu.Lock()
				if err == nil {
					answered++
					got[id] = true
				} else {
					refused++
				}
				mu.Unlock()
				var bad badAnswer
				if balanced && err != nil || errors.As(err, &bad) {
					t.Errorf("round %d: request %s: %v", round, id, err)
				}
				if err != nil {
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(60+round*37%200) * time.Millisecond)
	began := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if balanced {
		for ready(p.url) {
			if time.Since(began) > 500*time.Millisecond {
				t.Error("it is ready after SIGTERM")
				break
			}
		}
	}
	close(unready)
	clients.Wait()
	if err := p.end(t); err != nil {
		t.Errorf("round %d: it ended with %v:\n%s", round, err, strings.Join(p.lines(""), "\n"))
	}
	took := 0
	for _, line := range p.lines("msg=request") {
		if !strings.Contains(line, "path=/classify") {
			continue
		}
		took++
		id := regexp.MustCompile(` id=(\S+)`).FindStringSubmatch(line)[1]
		if !strings.Contains(line, "status=200") || !got[id] {
			t.Errorf("round %d: a request that was taken has no answer: %s", round, line)
		}
	}
	if took != answered || took == 0 {
		t.Errorf("round %d: %d requests were taken, and %d answered", round, took, answered)
	}
	return answered, refused
}

// A badAnswer is one of the server's that is not what was asked for.
type badAnswer struct{ error }

func classify(client *http.Client, url, id string, file []byte) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/classify", bytes.NewReader(file))
	if err != nil {
		return err
	}
	r.Header.Set("X-Request-Id", id)
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return badAnswer{fmt.Errorf("%s: %s, %w", response.Status, body, err)}
	}
	return nil
}

func ready(url string) bool {
	r, err := http.Get(url + "/v2/health/ready")
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// TestSignals reloads at SIGHUP, and ends at once at the second SIGTERM.
func TestSignals(t *testing.T) {
	folder := t.TempDir()
	data, err := os.ReadFile(tiny(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.safetensors"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	p := serve(t, folder, "--drain-delay", "1m")
	if err := os.WriteFile(filepath.Join(folder, "b.safetensors"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	status := func() int {
		r, err := http.Get(p.url + "/v2/models/b/ready")
		if err != nil {
			return 0
		}
		r.Body.Close()
		return r.StatusCode
	}
	for began := time.Now(); status() != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("b is not loaded: %s", strings.Join(p.lines(""), "\n"))
		}
	}
	for range 2 {
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); len(p.lines("msg=stopping")) == 0 && time.Since(began) < 5*time.Second; {
			time.Sleep(10 * time.Millisecond)
		}
	}
	began := time.Now()
	if err := p.end(t); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("the second SIGTERM: %v after %v", err, time.Since(began))
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")); err == nil {
		t.Error("something listens afterwards")
	}
}
