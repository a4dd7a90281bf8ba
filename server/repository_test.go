package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/oip"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// network returns the file of a small network whose values follow from the salt, as its
// labels do.
func network(t testing.TB, salt string) []byte {
	t.Helper()
	options := arch.Options{Classes: classes, Width: 0.125, Blocks: []int{1, 1, 1}}
	p := recipe.Inception()
	p.Size = side
	m := weights.Metadata{Network: "inception_resnet_v1", Options: options, Preprocessing: &p}
	for i := range classes {
		m.Labels = append(m.Labels, recipe.Label{Name: fmt.Sprint(salt, i)})
	}
	built, err := arch.New(m.Network, options)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := built.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := weights.Write(path, weights.Native, m, golden.Sources(salt, parameters)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// put replaces a file by another in one step, as careful people do.
func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".part", data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		t.Fatal(err)
	}
}

// folderSource serves a folder of models.
func folderSource(b compute.Backend, folder string, newest int) server.Source {
	return func(context.Context) ([]server.Definition, error) {
		places, err := server.Places(folder, func(string) int { return newest })
		var all []server.Definition
		for _, p := range places {
			path := p.Path
			if filepath.Ext(path) == "" {
				path = filepath.Join(path, weights.FileInFolder)
			}
			all = append(all, server.Definition{
				Name: p.Name, Version: p.Version,
				Stamp: func() (server.Stamp, error) { return server.StampOf(path) },
				Open: func(ctx context.Context) (*predict.Batcher, error) {
					c, err := predict.Open(ctx, b, predict.Config{Weights: path})
					if err != nil {
						return nil, err
					}
					return predict.NewBatcher(c, predict.BatcherOptions{Batch: 4})
				},
			})
		}
		return all, err
	}
}

func closed(t *testing.T, r *server.Repository) {
	t.Helper()
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// states writes an index in short.
func states(r *server.Repository) string {
	var all []string
	for _, s := range r.Index() {
		all = append(all, fmt.Sprintf("%s/%s %s", s.Name, s.Version, s.State))
	}
	return strings.Join(all, ", ")
}

// TestRepository has versions come, change, fail, go, and be unloaded and loaded.
func TestRepository(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	old, other := network(t, "old"), network(t, "new")
	r := server.NewRepository(folderSource(cpubackend.New(t), folder, 2), server.RepositoryOptions{Settle: -1})
	closed(t, r)
	if _, _, err := r.Find("", ""); err == nil || r.Ready() {
		t.Errorf("before models are loaded: ready %v, error %v", r.Ready(), err)
	}
	for _, name := range []string{"m/2/model.safetensors", "m/9/model.safetensors", "m/10/model.safetensors", "single.safetensors", ".hidden/1/model.safetensors"} {
		put(t, filepath.Join(folder, name), old)
	}
	put(t, filepath.Join(folder, "m/config.pbtxt"), []byte("name: 'm'"))
	put(t, filepath.Join(folder, "README.md"), []byte("# models"))
	refresh := func(want string, wrong string) {
		t.Helper()
		err := r.Refresh(ctx)
		if wrong == "" && err != nil || wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("error %v, want %q", err, wrong)
		}
		for began := time.Now(); strings.Contains(states(r), string(server.Unloading)) && time.Since(began) < 10*time.Second; {
			time.Sleep(time.Millisecond)
		}
		if got := states(r); got != want {
			t.Errorf("the index is %s, want %s", got, want)
		}
	}
	label := func(name, version, want string) {
		t.Helper()
		m, release, err := r.Find(name, version)
		if err != nil {
			t.Errorf("%s/%s: %v", name, version, err)
			return
		}
		defer release()
		if got := m.Classifier().Labels()[0].Name; got != want {
			t.Errorf("%s/%s is %s, want %s", name, version, got, want)
		}
	}
	refresh("m/10 READY, m/9 READY, single/1 READY", "")
	if !r.Ready() {
		t.Error("not ready")
	}
	if m, release, err := r.Find("m", ""); err != nil || m.Version() != "10" {
		t.Errorf("the latest version is %v, %v", m, err)
	} else {
		release()
		release() // is one
	}
	for _, what := range [][2]string{{"x", ""}, {"m", "2"}, {"single", "2"}} {
		var fault *oip.Error
		if _, _, err := r.Find(what[0], what[1]); !errors.As(err, &fault) || fault.Status != 404 {
			t.Errorf("%v: %v, want the status 404", what, err)
		}
	}

	// A new version takes the place of the oldest; one that is cut does not.
	put(t, filepath.Join(folder, "m/11/model.safetensors"), other[:len(other)-5])
	refresh("m/11 UNAVAILABLE, m/10 READY, single/1 READY, m/9 READY", "version 11")
	label("m", "", "old0")
	if s := r.Index()[0]; !s.Failed || s.Failures != 1 || !strings.Contains(s.Reason, "model.safetensors") {
		t.Errorf("what failed is %+v", s)
	}
	if _, _, err := r.Find("m", "11"); err == nil || !strings.Contains(err.Error(), "not ready") {
		t.Errorf("what failed is found: %v", err)
	}
	put(t, filepath.Join(folder, "m/11/model.safetensors"), other)
	refresh("m/11 READY, m/10 READY, single/1 READY", "")
	label("m", "", "new0")
	label("m", "10", "old0")

	// One that changes is replaced, and stays in use for who has found it.
	before, release, err := r.Find("single", "")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(folder, "single.safetensors"), other)
	refresh("m/11 READY, m/10 READY, single/1 READY", "")
	label("single", "", "new0")
	if _, err := before.Classifier().Logits(ctx, make([]float32, side*side*3)); err != nil {
		t.Errorf("what is in use: %v", err)
	}
	release()
	for range 500 {
		if _, err = before.Classifier().Logits(ctx, make([]float32, side*side*3)); err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err == nil {
		t.Error("what was replaced is not closed")
	}
	if s := r.Index()[2]; s.Loads != 2 {
		t.Errorf("%d loads of single", s.Loads)
	}
	put(t, filepath.Join(folder, "single.safetensors"), []byte("{}"))
	refresh("m/11 READY, m/10 READY, single/1 READY", "single")
	label("single", "", "new0")
	if s := r.Index()[2]; !s.Failed || s.Reason == "" || s.State != server.Ready {
		t.Errorf("what could not be replaced is %+v", s)
	}

	if err := r.Unload(ctx, "m"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(r.Unload(ctx, "x"), r.Load(ctx, "x")); err == nil || strings.Count(err.Error(), `"x"`) != 2 {
		t.Errorf("what is not there: %v", err)
	}
	put(t, filepath.Join(folder, "single.safetensors"), other)
	refresh("m/11 UNAVAILABLE, m/10 UNAVAILABLE, single/1 READY", "")
	if _, _, err := r.Find("m", ""); err == nil || !strings.Contains(err.Error(), "unloaded") || !r.Ready() {
		t.Errorf("what was unloaded: %v", err)
	}
	if err := r.Load(ctx, "m"); err != nil {
		t.Error(err)
	}
	label("m", "", "new0")

	if err := os.RemoveAll(filepath.Join(folder, "m")); err != nil {
		t.Fatal(err)
	}
	refresh("single/1 READY", "")
	put(t, filepath.Join(folder, "single/1/model.safetensors"), other)
	refresh("single/1 READY", "leave one")
}

// TestSettles expects files to be loaded only when nobody writes them any more.
func TestSettles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	data := network(t, "old")
	b := cpubackend.New(t)
	writing, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Close()
	half := len(data) / 2
	if _, err := writing.Write(data[:half]); err != nil {
		t.Fatal(err)
	}
	var opened atomic.Int64
	source := folderSource(b, filepath.Dir(path), 1)
	r := server.NewRepository(func(ctx context.Context) ([]server.Definition, error) {
		all, err := source(ctx)
		for i := range all {
			open := all[i].Open
			all[i].Open = func(ctx context.Context) (*predict.Batcher, error) { opened.Add(1); return open(ctx) }
		}
		return all, err
	}, server.RepositoryOptions{Settle: time.Second})
	closed(t, r)
	ended := make(chan error, 1)
	go func() { ended <- r.Refresh(context.Background()) }()
	for at := half; at < len(data); {
		time.Sleep(50 * time.Millisecond)
		n, err := writing.Write(data[at:min(len(data), at+len(data)/8+1)])
		if err != nil {
			t.Fatal(err)
		}
		at += n
		if opened.Load() != 0 {
			t.Fatal("a file was loaded while it was written")
		}
	}
	if err := <-ended; err != nil || opened.Load() != 1 {
		t.Errorf("%v, opened %d times", err, opened.Load())
	}
}

// times is how often tests stop and reload under load: INCEPTION_TIMES, or a few.
func times(t *testing.T) int {
	t.Helper()
	text, ok := os.LookupEnv("INCEPTION_TIMES")
	if !ok {
		return 6
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCloseWaits closes repositories while a model is in use: Close returns when nobody uses it
// any more, or with the cause of the context's end.
func TestCloseWaits(t *testing.T) {
	folder := t.TempDir()
	put(t, filepath.Join(folder, "m.safetensors"), network(t, "old"))
	b := cpubackend.New(t)
	for _, patience := range []time.Duration{time.Minute, time.Millisecond} {
		r := server.NewRepository(folderSource(b, folder, 1), server.RepositoryOptions{Settle: -1})
		if err := r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, leave, err := r.Find("m", "")
		if err != nil {
			t.Fatal(err)
		}
		var left atomic.Bool
		gone := make(chan struct{})
		go func() {
			time.Sleep(50 * time.Millisecond)
			left.Store(true)
			leave()
			close(gone)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err = r.Close(ctx)
		if patience == time.Minute && (err != nil || !left.Load()) {
			t.Errorf("Close returns %v before the model was released", err)
		}
		if patience != time.Minute && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close returns %v while the model is in use, want the deadline", err)
		}
		cancel()
		<-gone
		until(t, "it is closed", func() bool { return states(r) == "m/1 UNAVAILABLE" && !r.Ready() })
	}
}

// TestReloadsUnderLoad replaces a model again and again, at times by half a file, while clients
// ask for it: each has its answer, of one model or of the other.
func TestReloadsUnderLoad(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	folder := t.TempDir()
	b := cpubackend.New(t)
	path := filepath.Join(folder, "m.safetensors")
	file := picture(t, 90, 80)
	salts := []string{"old", "new"}
	var data [2][]byte
	want := map[string]predict.Record{} // by the label of the first class
	for i, salt := range salts {
		data[i] = network(t, salt)
		put(t, path, data[i])
		r := server.NewRepository(folderSource(b, folder, 1), server.RepositoryOptions{Settle: -1})
		if err := r.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		s, err := server.New(r, server.Options{})
		if err != nil {
			t.Fatal(err)
		}
		record := decode[[]predict.Record](t, ask(t, s, 200, "POST", "/classify?top=10", file))[0]
		want[salt] = record
		if err := r.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if want["old"].Predictions[0].Logit == want["new"].Predictions[0].Logit {
		t.Fatal("both models answer the same")
	}

	r := server.NewRepository(folderSource(b, folder, 1), server.RepositoryOptions{Settle: -1})
	closed(t, r)
	if err := r.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := server.New(r, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	served := httptest.NewServer(s)
	defer served.Close()
	var watching, clients sync.WaitGroup
	watching.Go(func() { r.Watch(ctx, time.Millisecond) })
	var answers [2]atomic.Int64
	done := make(chan struct{})
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				response, err := http.Post(served.URL+"/classify?top=10", "image/png", bytes.NewReader(file))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != 200 {
					t.Errorf("%s: %s, %v", response.Status, body, err)
					return
				}
				records := decode[[]predict.Record](t, &httptest.ResponseRecorder{Body: bytes.NewBuffer(body)})
				which := 0
				if strings.HasPrefix(records[0].Predictions[0].Label, salts[1]) {
					which = 1
				}
				answers[which].Add(1)
				for i, p := range want[salts[which]].Predictions {
					if got := records[0].Predictions[i]; got.Label != p.Label || math.Abs(float64(got.Logit-p.Logit)) > 1e-3 {
						t.Errorf("%+v is of neither model, expected %+v", got, p)
						return
					}
				}
			}
		})
	}
	n := times(t)
	for i := range n {
		if i%5 == 4 {
			put(t, path, data[i%2][:len(data[0])/2])
			until(t, "half a file is refused", func() bool { return r.Index()[0].Failures == uint64(i+1)/5 })
		}
		put(t, path, data[i%2])
		until(t, "it is loaded", func() bool { return r.Index()[0].Loads == uint64(i+2) })
	}
	time.Sleep(20 * time.Millisecond)
	close(done)
	clients.Wait()
	stop()
	watching.Wait()
	if answers[0].Load() == 0 || answers[1].Load() == 0 {
		t.Errorf("%d and %d answers of the two models", answers[0].Load(), answers[1].Load())
	}
	t.Logf("%d reloads, %d files refused, %d and %d answers", n, n/5, answers[0].Load(), answers[1].Load())
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%s: not after twenty seconds", what)
		}
	}
}
