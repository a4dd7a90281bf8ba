package tensorflow

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// written are tensors of every kind that a checkpoint holds, many enough for more than one
// block of the index.
func written() (map[string]string, []tensorfile.Tensor) {
	metadata := map[string]string{"inception.architecture": "inception_v4", "inception.labels": strings.Repeat("Straße \x00 ", 100), "zuletzt": ""}
	tensors := []tensorfile.Tensor{
		{Name: "net/scalar", Shape: []int{}}, {Name: "net/empty", Shape: []int{0, 3}}, {Name: "net/conv/weights", Shape: []int{3, 2, 2, 4}}, {Name: "a", Shape: []int{5}},
	}
	for i := range 9000 {
		tensors = append(tensors, tensorfile.Tensor{Name: fmt.Sprintf("net/a_long_scope_of_a_layer/block_%d/weights", i), Shape: []int{1 + i%3}})
	}
	for i := range tensors {
		tensors[i].Values = func(dst []float32) error {
			for k := range dst {
				dst[k] = math.Float32frombits(uint32(i*31+k) * 2654435761 >> 2)
			}
			return nil
		}
	}
	return metadata, tensors
}

func TestWrite(t *testing.T) {
	metadata, tensors := written()
	folder := t.TempDir()
	for _, path := range []string{filepath.Join(folder, "model.ckpt"), filepath.Join(folder, "model.ckpt.index")} { // the same checkpoint twice
		if err := Write(path, metadata, tensors); err != nil {
			t.Fatal(err)
		}
		f, err := OpenCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := f.Metadata(); !maps.Equal(got, metadata) {
			t.Errorf("metadata %q, want %q", got, metadata)
		}
		found := f.Tensors()
		if len(found) != len(tensors) {
			t.Fatalf("%d tensors, want %d", len(found), len(tensors))
		}
		for i, want := range tensorfile.Sorted(tensors) {
			x := found[i]
			if x.Name != want.Name || x.DType != "float32" || !slices.Equal(x.Shape, want.Shape) {
				t.Fatalf("%s %s %v, want %s %v", x.Name, x.DType, x.Shape, want.Name, want.Shape)
			}
			a, b := make([]float32, x.Elements()), make([]float32, x.Elements())
			if err := errors.Join(x.Values(a), want.Values(b)); err != nil {
				t.Fatal(err)
			}
			for k := range a {
				if math.Float32bits(a[k]) != math.Float32bits(b[k]) {
					t.Fatalf("%s[%d] is %g, want %g", x.Name, k, a[k], b[k])
				}
			}
		}
	}
	if names := namesIn(t, folder); !slices.Equal(names, []string{"model.ckpt.data-00000-of-00001", "model.ckpt.index"}) {
		t.Errorf("the folder holds %q", names)
	}
}

func namesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestWriteFails leaves an old checkpoint as it was.
func TestWriteFails(t *testing.T) {
	metadata, tensors := written()
	tensors = tensors[:4]
	path := filepath.Join(t.TempDir(), "model.ckpt")
	if err := Write(path, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	content := func() (all string) {
		for _, name := range namesIn(t, filepath.Dir(path)) {
			data, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
			if err != nil {
				t.Fatal(err)
			}
			all += name + string(data)
		}
		return all
	}
	before := content()
	broken := errors.New("broken")
	with := func(change func(x *tensorfile.Tensor)) []tensorfile.Tensor {
		changed := slices.Clone(tensors)
		change(&changed[2])
		return changed
	}
	for _, c := range []struct {
		tensors []tensorfile.Tensor
		want    string
	}{
		{with(func(x *tensorfile.Tensor) { x.Values = func([]float32) error { return broken } }), "broken"},
		{with(func(x *tensorfile.Tensor) { x.Name = "a" }), "each name once"},
		{with(func(x *tensorfile.Tensor) { x.Name = "" }), "a name of 1 to"},
		{with(func(x *tensorfile.Tensor) { x.Name = "zuletzt" }), "each name once"},
		{with(func(x *tensorfile.Tensor) { x.Shape = []int{-1} }), "shape [-1]"},
		{with(func(x *tensorfile.Tensor) { x.Values = nil }), "a function Values"},
		{with(func(x *tensorfile.Tensor) { x.Int8s = func([]int8) error { return nil } }), "8-bit integers"},
	} {
		wanted.Error(t, Write(path, metadata, c.tensors), path, c.want)
		if content() != before {
			t.Fatalf("%s: the old checkpoint has changed", c.want)
		}
	}
	err := Write(filepath.Join(t.TempDir(), "none", "model.ckpt"), metadata, tensors)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "check that the folder exists") {
		t.Errorf("without a folder: %v", err)
	}
	taken := filepath.Join(t.TempDir(), "model.ckpt")
	if err := os.WriteFile(taken, []byte("version 1"), 0o666); err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, Write(taken, metadata, tensors), taken, "give another name")
}

// TestTextsChanged flips each byte of a string in the shard.
func TestTextsChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.ckpt")
	if err := Write(path, map[string]string{"key": "a value"}, nil); err != nil {
		t.Fatal(err)
	}
	data := Written(path)[1]
	whole, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		changed := slices.Clone(whole)
		changed[i] ^= 4
		if err := os.WriteFile(data, changed, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := OpenCheckpoint(path)
		wanted.Error(t, err, "key", path)
	}
}

// TestWriteAsTensorFlow compares with the bytes that TensorFlow writes
// (testdata/make_written.py).
func TestWriteAsTensorFlow(t *testing.T) {
	metadata, tensors := written()
	path := filepath.Join(t.TempDir(), "written")
	if err := Write(path, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(read(t, "written.sha256")))
	for i, name := range Written(path) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != want[i] {
			t.Errorf("%s of %d bytes has the SHA-256 %s, want %s", filepath.Base(name), len(data), got, want[i])
		}
	}
}
