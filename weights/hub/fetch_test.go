package hub

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// repository is the cache's folder for the card.
const repository = "models--timm--inception_v4.tf_in1k"

func mustFetch(t *testing.T, o Options) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	path, err := Fetch(ctx, card, o)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// wantEmpty fails if a Fetch left a file, a link or a lock in the repository's
// folder.
func wantEmpty(t *testing.T, cache string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(cache, repository), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDownloadThenOffline(t *testing.T) {
	h := newFakeHub(t)
	cache := t.TempDir()
	path := mustFetch(t, Options{CacheDir: cache, Endpoint: h.URL + "/"})
	if want := filepath.Join(cache, repository, "snapshots", commit, card.File); path != want {
		t.Errorf("path: expected %s, found %s", want, path)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, h.body) {
		t.Errorf("the file differs from what the server sent (error %v)", err)
	}
	if got, err := os.Readlink(path); err != nil || got != filepath.Join("..", "..", "blobs", h.sha256) {
		t.Errorf("link: found %q, error %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(cache, repository, "refs", "main")); err != nil || string(got) != commit {
		t.Errorf("refs/main: found %q, error %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(cache, repository, "incomplete")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("incomplete/ is still there (error %v)", err)
	}
	// A second one would be requested where a cancellation cannot reach it.
	if n := h.descriptions.Load(); n != 1 {
		t.Errorf("expected 1 request for the description, found %d", n)
	}

	h.close()
	if again := mustFetch(t, Options{CacheDir: cache, Endpoint: h.URL}); again != path {
		t.Errorf("second call: expected %s, found %s", path, again)
	}
}

func TestPrintsNothing(t *testing.T) {
	h := newFakeHub(t)
	printed, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	stdout := os.Stdout
	os.Stdout = printed
	_, err = Fetch(t.Context(), card, Options{CacheDir: t.TempDir(), Endpoint: h.URL})
	os.Stdout = stdout
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(printed.Name()); err != nil || len(text) > 0 {
		t.Errorf("found %q on stdout, error %v", text, err)
	}
}

func TestProgress(t *testing.T) {
	h := newFakeHub(t)
	half := make(chan struct{})
	h.sending = func(_ int32, r *http.Request) {
		select {
		case <-half:
		case <-r.Context().Done():
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var reports []int64
	_, err := Fetch(ctx, card, Options{CacheDir: t.TempDir(), Endpoint: h.URL, Progress: func(done, total int64) {
		if total != h.size {
			t.Errorf("total: expected %d bytes, found %d", h.size, total)
		}
		if done == h.size/2 {
			close(half)
		}
		reports = append(reports, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(reports) || !slices.Contains(reports, h.size/2) || reports[len(reports)-1] != h.size {
		t.Errorf("expected rising reports with %d that end with %d, found %d", h.size/2, h.size, reports)
	}
}

func TestEnvironment(t *testing.T) {
	h := newFakeHub(t)
	h.token = "hf_secret"
	home, cache := t.TempDir(), t.TempDir()
	t.Setenv("HF_ENDPOINT", h.URL)
	t.Setenv("HF_HOME", home)
	t.Setenv("HF_HUB_CACHE", "")
	t.Setenv("HF_TOKEN", "")
	_, err := Fetch(t.Context(), card, Options{})
	wanted.Error(t, err, "Invalid username or password")

	t.Setenv("HF_TOKEN", "hf_secret\n")
	if path := mustFetch(t, Options{}); !strings.HasPrefix(path, filepath.Join(home, "hub", repository)) {
		t.Errorf("HF_HOME=%s gave %s", home, path)
	}
	t.Setenv("HF_HUB_CACHE", cache)
	if path := mustFetch(t, Options{}); !strings.HasPrefix(path, filepath.Join(cache, repository)) {
		t.Errorf("HF_HUB_CACHE=%s gave %s", cache, path)
	}
	t.Setenv("HOME", home)
	t.Setenv("HF_HUB_CACHE", "~/hub")
	if path := mustFetch(t, Options{Offline: true}); !strings.HasPrefix(path, filepath.Join(home, "hub", repository)) {
		t.Errorf("HF_HUB_CACHE=~/hub gave %s", path)
	}
}

func TestCacheOfPython(t *testing.T) {
	cache := t.TempDir()
	dir := filepath.Join(cache, repository)
	write(t, filepath.Join(dir, "blobs", "abc"), "weights")
	write(t, filepath.Join(dir, "refs", "main"), commit)
	path := filepath.Join(dir, "snapshots", commit, card.File)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../blobs/abc", path); err != nil {
		t.Fatal(err)
	}
	// In place of a cache folder that cannot be written, as in a container.
	write(t, filepath.Join(cache, ".locks"), "not a folder")
	h := newFakeHub(t)
	if got := mustFetch(t, Options{CacheDir: cache, Endpoint: h.URL}); got != path {
		t.Errorf("expected %s, found %s", path, got)
	}
	if got := mustFetch(t, Options{CacheDir: cache, Offline: true}); got != path {
		t.Errorf("offline: expected %s, found %s", path, got)
	}
	if n := h.descriptions.Load(); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestPreferredSnapshot(t *testing.T) {
	cache := t.TempDir()
	dir := filepath.Join(cache, repository)
	at := func(name string) string { return filepath.Join(dir, "snapshots", name, card.File) }
	place := func(name string, modified time.Time) {
		write(t, at(name), name)
		if err := os.Chtimes(at(name), modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(name string) {
		t.Helper()
		if got := mustFetch(t, Options{CacheDir: cache, Offline: true}); got != at(name) {
			t.Errorf("expected the snapshot %q, found %s", name, got)
		}
	}
	now := time.Now()
	write(t, filepath.Join(dir, "snapshots", "stray"), "a file among the snapshots")
	place("manual", now)
	expect("manual")
	place("a-newer", now.Add(time.Hour))
	expect("a-newer")
	place("z-older", now.Add(-time.Hour))
	expect("a-newer")
	write(t, filepath.Join(dir, "refs", "main"), "absent\n")
	expect("a-newer")
	write(t, filepath.Join(dir, "refs", "main"), "z-older\n")
	expect("z-older")
	write(t, filepath.Join(cache, card.File), "outside of the repository")
	write(t, filepath.Join(dir, "refs", "main"), "../..")
	expect("a-newer")
}

func TestBadCard(t *testing.T) {
	for _, c := range []recipe.Checkpoint{
		{Tag: card.Tag},
		{File: card.File},
		{Tag: card.Tag, File: "../model.safetensors"},
	} {
		_, err := Fetch(t.Context(), c, Options{CacheDir: t.TempDir(), Offline: true})
		wanted.Error(t, err, "tag \""+c.Tag+"\"", "file \""+c.File+"\"")
	}
}

func TestOfflineError(t *testing.T) {
	h := newFakeHub(t)
	cache := t.TempDir()
	_, err := Fetch(t.Context(), card, Options{CacheDir: cache, Endpoint: h.URL, Offline: true})
	wanted.Error(t, err, card.Tag, card.File, "downloads are off", "give the path of a file instead",
		"put the file at "+filepath.Join(cache, repository, "snapshots", "manual", card.File))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error does not wrap fs.ErrNotExist: %v", err)
	}
	if n := h.descriptions.Load(); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	if entries, _ := os.ReadDir(cache); len(entries) > 0 {
		t.Errorf("the cache folder is no longer empty: %v", entries)
	}
}

func TestMissingOnTheHub(t *testing.T) {
	t.Run("repository", func(t *testing.T) {
		h := newFakeHub(t)
		cache := t.TempDir()
		other := recipe.Checkpoint{Tag: "timm/other", File: card.File}
		_, err := Fetch(t.Context(), other, Options{CacheDir: cache, Endpoint: h.URL})
		wanted.Error(t, err, "404", other.Tag, "put the file at "+filepath.Join(cache, "models--timm--other", "snapshots", "manual", card.File))
	})
	t.Run("file", func(t *testing.T) {
		h := newFakeHub(t)
		h.name = "pytorch_model.bin"
		cache := t.TempDir()
		_, err := Fetch(t.Context(), card, Options{CacheDir: cache, Endpoint: h.URL})
		wanted.Error(t, err, card.Tag, "no such file at commit "+commit, "put the file at")
		wantEmpty(t, cache)
	})
	t.Run("server", func(t *testing.T) {
		h := newFakeHub(t)
		h.close()
		cache := t.TempDir()
		_, err := Fetch(t.Context(), card, Options{CacheDir: cache, Endpoint: h.URL})
		wanted.Error(t, err, "connection refused", "put the file at")
		wantEmpty(t, cache)
	})
}

func TestDamagedDownload(t *testing.T) {
	t.Run("SHA-256", func(t *testing.T) {
		h := newFakeHub(t)
		right := h.sha256
		h.sha256 = strings.Repeat("0", 64)
		cache := t.TempDir()
		_, err := Fetch(t.Context(), card, Options{CacheDir: cache, Endpoint: h.URL})
		wanted.Error(t, err, "expected "+h.sha256, "found "+right, "put the file at")
		wantEmpty(t, cache)
	})
	t.Run("size", func(t *testing.T) {
		h := newFakeHub(t)
		h.size++
		cache := t.TempDir()
		_, err := Fetch(t.Context(), card, Options{CacheDir: cache, Endpoint: h.URL})
		wanted.Error(t, err, "expected 262145 bytes, found 262144", "put the file at")
		wantEmpty(t, cache)
	})
}

func TestDamagedDescription(t *testing.T) {
	h := newFakeHub(t)
	h.commit = "../../../../../../escaped"
	cache := t.TempDir()
	_, err := Fetch(t.Context(), card, Options{CacheDir: cache, Endpoint: h.URL})
	wanted.Error(t, err, "found sha \""+h.commit+"\"", "put the file at")
	wantEmpty(t, cache)
}

func TestBrokenConnection(t *testing.T) {
	h := newFakeHub(t)
	h.sending = func(n int32, _ *http.Request) {
		if n == 1 {
			panic(http.ErrAbortHandler)
		}
	}
	o := Options{CacheDir: t.TempDir(), Endpoint: h.URL}
	_, err := Fetch(t.Context(), card, o)
	if !errors.Is(err, errInterrupted) {
		t.Fatalf("expected %q, found %v", errInterrupted, err)
	}
	wanted.Error(t, err, "put the file at")
	wantEmpty(t, o.CacheDir)
	mustFetch(t, o)
}

// TestLeftovers has a cache in which another program was killed while it
// downloaded, and one whose last attempt received a login page as description.
func TestLeftovers(t *testing.T) {
	h := newFakeHub(t)
	cache := t.TempDir()
	dir := filepath.Join(cache, repository)
	write(t, filepath.Join(dir, "info", "main"), "<html>")
	write(t, filepath.Join(dir, "blobs", h.sha256), "half")
	write(t, filepath.Join(dir, "blobs", h.sha256+".part"), "half")
	write(t, filepath.Join(dir, "incomplete", "1", repository, "blobs", "x.part"), "half")
	link := filepath.Join(dir, "snapshots", commit, card.File)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../blobs/absent", link); err != nil {
		t.Fatal(err)
	}
	path := mustFetch(t, Options{CacheDir: cache, Endpoint: h.URL})
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, h.body) {
		t.Errorf("the file differs from what the server sent (error %v)", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "incomplete")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("incomplete/ is still there (error %v)", err)
	}
}

// wantCancelled cancels a Fetch once ready is closed, and fails unless it then
// returns within a second.
func wantCancelled(t *testing.T, o Options, ready <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := Fetch(ctx, card, o)
		result <- err
	}()
	select {
	case <-ready:
	case err := <-result:
		t.Fatalf("Fetch returned before its cancellation: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("Fetch did not get to where it was to be cancelled")
	}
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error does not wrap context.Canceled: %v", err)
		}
	case <-time.After(time.Second):
		t.Fatal("Fetch still runs a second after its cancellation")
	}
}

func TestCancelDuringDescription(t *testing.T) {
	h := newFakeHub(t)
	asked := make(chan struct{})
	h.describing = func(n int32) {
		if n == 1 {
			close(asked)
			<-h.closing
		}
	}
	o := Options{CacheDir: t.TempDir(), Endpoint: h.URL}
	wantCancelled(t, o, asked)
	wantEmpty(t, o.CacheDir)

	// The first request still hangs, and must not be in the way.
	mustFetch(t, o)
}

func TestCancelDuringBody(t *testing.T) {
	h := newFakeHub(t)
	h.sending = func(n int32, r *http.Request) {
		if n == 1 {
			h.hang(r)
		}
	}
	arrived := make(chan struct{})
	o := Options{CacheDir: t.TempDir(), Endpoint: h.URL, Progress: func(done, _ int64) {
		if done == h.size/2 {
			close(arrived)
		}
	}}
	wantCancelled(t, o, arrived)
	wantEmpty(t, o.CacheDir)

	o.Progress = nil
	mustFetch(t, o)
}

func TestCancelWhileAnotherDownloads(t *testing.T) {
	h := newFakeHub(t)
	halfway, finish := make(chan struct{}), make(chan struct{})
	h.sending = func(int32, *http.Request) {
		close(halfway)
		select {
		case <-finish:
		case <-h.closing:
		}
	}
	o := Options{CacheDir: t.TempDir(), Endpoint: h.URL}
	first := make(chan error, 1)
	go func() {
		_, err := Fetch(t.Context(), card, o)
		first <- err
	}()
	<-halfway
	waiting := make(chan struct{})
	time.AfterFunc(pollInterval, func() { close(waiting) })
	wantCancelled(t, o, waiting)
	close(finish)
	if err := <-first; err != nil {
		t.Errorf("the other Fetch failed: %v", err)
	}
}

func TestConcurrentFetches(t *testing.T) {
	h := newFakeHub(t)
	o := Options{CacheDir: t.TempDir(), Endpoint: h.URL}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			path, err := Fetch(t.Context(), card, o)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, h.body) {
				t.Errorf("the file differs from what the server sent (error %v)", err)
			}
		})
	}
	wg.Wait()
	if n := h.downloads.Load(); n != 1 {
		t.Errorf("expected 1 download, found %d", n)
	}
}

// TestVariables reads the variables that huggingface_hub reads.
func TestVariables(t *testing.T) {
	for _, name := range []string{"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME"} {
		t.Setenv(name, "")
	}
	for value, want := range map[string]bool{"1": true, "true": true, "True": true, "YES": true, "on": true, "0": false, "no": false, "2": false, "": false} {
		t.Setenv("HF_HUB_OFFLINE", value)
		if offline() != want {
			t.Errorf("HF_HUB_OFFLINE=%s is taken for %v", value, !want)
		}
	}
	t.Setenv("HF_HUB_OFFLINE", "")
	t.Setenv("TRANSFORMERS_OFFLINE", "on")
	if !offline() {
		t.Error("TRANSFORMERS_OFFLINE=on is not read")
	}
	t.Setenv("HF_HUB_OFFLINE", "0")
	if offline() {
		t.Error("HF_HUB_OFFLINE=0 does not come before TRANSFORMERS_OFFLINE")
	}
	home, cache := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("PLACE", cache)
	card := recipe.Checkpoint{Tag: "a/b", File: "f"}
	for _, c := range []struct{ name, value, want string }{
		{"HF_HOME", "~/hf", filepath.Join(home, "hf", "hub")},
		{"HUGGINGFACE_HUB_CACHE", "~", home},
		{"HF_HUB_CACHE", "${PLACE}/x", filepath.Join(cache, "x")},
		{"HF_HUB_CACHE", "$PLACE/$UNSET_HERE", filepath.Join(cache, "$UNSET_HERE")},
	} {
		t.Setenv(c.name, c.value)
		if w, err := locate(card, ""); err != nil || w.cache != c.want {
			t.Errorf("%s=%s leads to %s, %v, want %s", c.name, c.value, w.cache, err, c.want)
		}
	}
}
