//go:build unix

package safetensors

import (
	"os"
	"strings"
	"testing"
)

func TestFileCutShortWhileOpen(t *testing.T) {
	path := written(t)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	w, _ := f.Tensor("w7")
	err = w.Float32s(make([]float32, 5000))
	if err == nil {
		t.Fatal("read a file that is gone")
	}
	for _, part := range []string{path, `tensor "w7"`, "cut short", "open the file again"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestOpenFolder(t *testing.T) {
	path := t.TempDir()
	_, err := Open(path)
	if err == nil {
		t.Fatal("opened a folder")
	}
	for _, part := range []string{path, "found no regular file but d", "check the path"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

// Only faults become errors: a bug keeps its panic.
func TestGuardFaultsPassesPanics(t *testing.T) {
	defer func() {
		if r := recover(); r != "bug" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = guardFaults("m", "", func() error { panic("bug") })
	t.Error("no panic")
}
