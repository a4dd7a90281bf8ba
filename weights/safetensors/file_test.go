package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// written returns the path of a file of tensors w0 to w7, each of 5000 elements
// of its own number.
func written(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	var tensors []tensorfile.Tensor
	for i := range 8 {
		tensors = append(tensors, constant(fmt.Sprintf("w%d", i), float32(i), 50, 100))
	}
	if err := Write(path, map[string]string{"k": "v"}, tensors); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenBroken(t *testing.T) {
	for _, c := range broken {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err == nil {
			f.Close()
			t.Errorf("%s: accepted", c.name)
			continue
		}
		for _, part := range append(c.parts, path) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", c.name, err, part)
			}
		}
	}
}

func TestOpenNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	if _, err := Open(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "check the path") {
		t.Errorf("error %v", err)
	}
}

func TestCloseTwice(t *testing.T) {
	f, err := Open(written(t))
	if err != nil {
		t.Fatal(err)
	}
	w, _ := f.Tensor("w3")
	if len(w.Bytes()) != 4*5000 {
		t.Errorf("%d bytes, want %d", len(w.Bytes()), 4*5000)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if w.Bytes() != nil {
		t.Error("Bytes of a closed file")
	}
	if err := w.Float32s(make([]float32, 5000)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Float32s of a closed file: error %v", err)
	}
	// What the header said needs no data.
	if f.Metadata()["k"] != "v" || len(f.Tensors()) != 8 {
		t.Error("the header went away with the data")
	}
}

// Readers share a file with each other and with its closing: each read gives
// the right values, or after the close an error.
func TestConcurrentReads(t *testing.T) {
	f, err := Open(written(t))
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	underWay := make(chan bool, 8) // from each reader once it reads, and at its end in case it never did
	for r := range 4 {
		readers.Go(func() {
			defer func() { underWay <- true }()
			dst := make([]float32, 5000)
			for i := 0; ; i++ {
				w, _ := f.Tensor(fmt.Sprintf("w%d", (r+i)%8))
				if err := w.Float32s(dst); err != nil {
					if !strings.Contains(err.Error(), "closed") {
						t.Error(err)
					}
					return
				}
				if dst[0] != float32((r+i)%8) || dst[4999] != dst[0] {
					t.Errorf("%s holds %g and %g", w.Name, dst[0], dst[4999])
				}
				f.Metadata()["k"] = "changed by one reader"
				f.Tensors()[0].Name = "changed by one reader"
				if i == 20 {
					underWay <- true
				}
			}
		})
	}
	for range 4 {
		<-underWay
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	readers.Wait()
	if f.Metadata()["k"] != "v" || f.Tensors()[0].Name != "w0" {
		t.Error("a caller changed the file's own metadata or tensors")
	}
}
