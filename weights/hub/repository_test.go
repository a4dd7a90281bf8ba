package hub

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestFetchRepository fetches what a repository has, of a branch and of another revision,
// and finds both again without the network.
func TestFetchRepository(t *testing.T) {
	h := newFakeHub(t)
	cache := t.TempDir()
	for _, revision := range []string{"", "v1.0"} {
		path, err := FetchRepository(t.Context(), card.Tag, Options{CacheDir: cache, Endpoint: h.URL, Revision: revision})
		if err != nil || filepath.Base(path) != card.File {
			t.Fatalf("revision %q: %q, %v", revision, path, err)
		}
		again, err := FetchRepository(t.Context(), card.Tag, Options{CacheDir: cache, Revision: revision, Offline: true})
		if err != nil || again != path {
			t.Errorf("revision %q: %q, then %q, %v", revision, path, again, err)
		}
	}
	_, err := FetchRepository(t.Context(), card.Tag, Options{CacheDir: cache, Revision: "v2.0", Offline: true})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a revision that was not fetched: %v", err)
	}
	_, err = FetchRepository(t.Context(), card.Tag, Options{CacheDir: cache, Revision: "../main"})
	wanted.Error(t, err, `"../main"`, "revision")
	h.name = "readme.md"
	_, err = FetchRepository(t.Context(), card.Tag, Options{CacheDir: t.TempDir(), Endpoint: h.URL})
	if !errors.Is(err, ErrNoSuchFile) {
		t.Errorf("a repository without weights: %v", err)
	}
}
