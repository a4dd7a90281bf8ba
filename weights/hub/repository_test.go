package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
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

// indexed is a hub whose repository has weights in two files, one in a folder, with an index
// that names them.
func indexed(t *testing.T, index string) *fakeHub {
	h := newFakeHub(t)
	h.name = "readme.md"
	h.others = map[string][]byte{
		index: []byte(`{"weight_map": {"a": "model-1-of-2.bin", "b": "sub/model-2-of-2.bin", "c": "model-1-of-2.bin"}}`),

		"model-1-of-2.bin": []byte("the first shard"), "sub/model-2-of-2.bin": []byte("the second shard"),
		configFile: []byte(`{"architecture": "inception_v4"}`),
	}
	return h
}

// TestFetchShards fetches an index and what it names, finds all again without the network,
// and goes on where a file is missing.
func TestFetchShards(t *testing.T) {
	for _, index := range []string{"model.safetensors.index.json", "pytorch_model.bin.index.json"} {
		h := indexed(t, index)
		o := Options{CacheDir: t.TempDir(), Endpoint: h.URL, Revision: "v1.0"}
		path, err := FetchRepository(t.Context(), card.Tag, o)
		if err != nil || filepath.Base(path) != index {
			t.Fatalf("%q, %v", path, err)
		}
		for name, want := range h.others {
			got, err := os.ReadFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
			if err != nil || string(got) != string(want) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		if n := int(h.downloads.Load()); n != len(h.others) {
			t.Errorf("%d downloads of %d files", n, len(h.others))
		}
		shard := filepath.Join(filepath.Dir(path), "sub", "model-2-of-2.bin")
		if err := os.Remove(shard); err != nil {
			t.Fatal(err)
		}
		offline := o
		offline.Offline = true
		_, err = FetchRepository(t.Context(), card.Tag, offline)
		wanted.Error(t, err, "sub/model-2-of-2.bin", index, "downloads are off")
		if again, err := FetchRepository(t.Context(), card.Tag, o); err != nil || again != path {
			t.Errorf("%q, then %q, %v", path, again, err)
		}
		if n := int(h.downloads.Load()); n != len(h.others)+1 {
			t.Errorf("%d downloads, want the missing shard's alone after %d", n, len(h.others))
		}
		h.close()
		if again, err := FetchRepository(t.Context(), card.Tag, offline); err != nil || again != path {
			t.Errorf("%q, then without the network %q, %v", path, again, err)
		}
	}
}

// TestFetchesOneCommit moves the branch on between the index and its shards.
func TestFetchesOneCommit(t *testing.T) {
	h := indexed(t, "model.safetensors.index.json")
	var asked []string
	handler := h.Config.Handler
	h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if revision := filepath.Base(r.URL.Path); filepath.Base(filepath.Dir(r.URL.Path)) == "revision" {
			asked = append(asked, revision)
		}
		handler.ServeHTTP(w, r)
	})
	if _, err := FetchRepository(t.Context(), card.Tag, Options{CacheDir: t.TempDir(), Endpoint: h.URL}); err != nil {
		t.Fatal(err)
	}
	// The branch is asked for one file of weights that there is not, and the index.
	if want := []string{"main", "main", commit, commit, commit}; fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("descriptions of %v were asked for, want %v", asked, want)
	}
}

// TestRefusesShards fetches nothing by an index that is broken, and says which shard there
// is not.
func TestRefusesShards(t *testing.T) {
	const index = "pytorch_model.bin.index.json"
	for text, want := range map[string][]string{
		`{"weight_map": {"a": "model-1-of-2.bin", "b": "../../../x.bin"}}`: {index, "../../../x.bin"},
		`{"weight_map": {"a": "model-1-of-2.bin", "b": "/etc/passwd"}}`:    {index, "/etc/passwd"},
		`{"weight_map": {"a": "model-1-of-2.bin", "b": "."}}`:              {index, `"."`},
		`{"weight_map": {}}`: {index, "weight_map"},
		`{"weight_map"`:      {index, "JSON"},
	} {
		h := indexed(t, index)
		h.others[index] = []byte(text)
		_, err := FetchRepository(t.Context(), card.Tag, Options{CacheDir: t.TempDir(), Endpoint: h.URL})
		wanted.Error(t, err, want...)
		if n := h.downloads.Load(); n != 1 {
			t.Errorf("%s: %d downloads, want the index alone", text, n)
		}
	}
	h := indexed(t, index)
	delete(h.others, "sub/model-2-of-2.bin")
	_, err := FetchRepository(t.Context(), card.Tag, Options{CacheDir: t.TempDir(), Endpoint: h.URL})
	if !errors.Is(err, ErrNoSuchFile) {
		t.Errorf("a shard that is not there: %v", err)
	}
	wanted.Error(t, err, "sub/model-2-of-2.bin", index)
}
