package hub

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

var card = recipe.Checkpoint{Tag: "timm/inception_v4.tf_in1k", File: "model.safetensors"}

// fakeHub imitates the Hugging Face Hub for one repository with one large file:
// it describes the repository, and redirects requests for the file to a storage
// server, which knows nothing of X-Linked-Etag.
type fakeHub struct {
	*httptest.Server
	body   []byte
	sha256 string // stated; that of body unless a test changes it
	size   int64  // stated
	name   string // of the file
	commit string // of main
	token  string // demanded when not empty
	// others are more files, by their names.
	others map[string][]byte

	// describing, when not nil, runs before the n-th description is sent, n from 1.
	describing func(n int32)
	// sending, when not nil, runs in the middle of the n-th body, n from 1.
	sending func(n int32, r *http.Request)

	descriptions, downloads atomic.Int32
	closing                 chan struct{}
	close                   func()
}

func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	t.Setenv("HF_HUB_OFFLINE", "")
	t.Setenv("TRANSFORMERS_OFFLINE", "")
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	sum := sha256.Sum256(body)
	h := &fakeHub{
		body: body, sha256: hex.EncodeToString(sum[:]), size: int64(len(body)), name: card.File,
		commit:  commit,
		closing: make(chan struct{}),
	}
	hub := http.NewServeMux()
	hub.HandleFunc("GET /api/models/"+card.Tag+"/revision/{revision}", h.describe)
	hub.HandleFunc("GET /"+card.Tag+"/resolve/"+commit+"/{file...}", h.redirect)
	hub.HandleFunc("GET /storage/{file...}", h.send)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The multiplexer would forgive a doubled slash.
		if strings.Contains(r.URL.Path, "//") {
			http.NotFound(w, r)
			return
		}
		hub.ServeHTTP(w, r)
	}))
	h.close = sync.OnceFunc(func() {
		close(h.closing)
		h.Server.Close()
	})
	t.Cleanup(h.close)
	return h
}

func (h *fakeHub) authorised(w http.ResponseWriter, r *http.Request) bool {
	if h.token == "" || r.Header.Get("Authorization") == "Bearer "+h.token {
		return true
	}
	http.Error(w, `{"error":"Invalid username or password."}`, http.StatusUnauthorized)
	return false
}

func (h *fakeHub) describe(w http.ResponseWriter, r *http.Request) {
	n := h.descriptions.Add(1)
	if !h.authorised(w, r) {
		return
	}
	if h.describing != nil {
		h.describing(n)
	}
	siblings := []any{map[string]any{"rfilename": "README.md", "size": 5}}
	add := func(name string, size int64, sum string) {
		file := map[string]any{"rfilename": name}
		if r.URL.Query().Get("blobs") == "true" {
			file["size"] = size
			file["lfs"] = map[string]any{"sha256": sum, "size": size, "pointerSize": 134}
		}
		siblings = append(siblings, file)
	}
	add(h.name, h.size, h.sha256)
	for name := range h.others {
		_, size, sum := h.file(name)
		add(name, size, sum)
	}
	json.NewEncoder(w).Encode(map[string]any{"id": card.Tag, "sha": h.commit, "siblings": siblings})
}

// file is one of the repository's, with what is stated of it.
func (h *fakeHub) file(name string) (body []byte, size int64, sum string) {
	if body, ok := h.others[name]; ok {
		digest := sha256.Sum256(body)
		return body, int64(len(body)), hex.EncodeToString(digest[:])
	}
	return h.body, h.size, h.sha256
}

func (h *fakeHub) redirect(w http.ResponseWriter, r *http.Request) {
	if !h.authorised(w, r) {
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	_, size, sum := h.file(r.PathValue("file"))
	w.Header().Set("X-Linked-Etag", strconv.Quote(sum))
	w.Header().Set("X-Linked-Size", fmt.Sprint(size))
	http.Redirect(w, r, "/storage/"+r.PathValue("file")+"?signature=a%2Fb", http.StatusFound)
}

// hang returns when the client gives up or the server closes.
func (h *fakeHub) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-h.closing:
	}
}

func (h *fakeHub) send(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("signature") != "a/b" {
		http.Error(w, "the link has lost its signature", http.StatusForbidden)
		return
	}
	body, _, _ := h.file(r.PathValue("file"))
	w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592-13"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	n := h.downloads.Add(1)
	half := len(body) / 2
	w.Write(body[:half])
	if h.sending != nil {
		w.(http.Flusher).Flush()
		h.sending(n, r)
	}
	w.Write(body[half:])
}
