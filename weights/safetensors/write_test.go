package safetensors

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// constant returns a tensor of a given value.
func constant(name string, v float32, shape ...int) tensorfile.Tensor {
	return tensorfile.Tensor{Name: name, Shape: shape, Values: func(dst []float32) error {
		for i := range dst {
			dst[i] = v
		}
		return nil
	}}
}

// counting returns a tensor 0, 1, 2...
func counting(name string, shape ...int) tensorfile.Tensor {
	return tensorfile.Tensor{Name: name, Shape: shape, Values: func(dst []float32) error {
		for i := range dst {
			dst[i] = float32(i)
		}
		return nil
	}}
}

// TestWriteBytes holds whole files against what the format's own implementation
// writes for the same tensors: the expectations of test_serialization,
// test_serialization_forced_alignement and test_empty in safetensors/src/tensor.rs
// of github.com/huggingface/safetensors.
func TestWriteBytes(t *testing.T) {
	values := "\x00\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40\x00\x00\xa0\x40"
	for _, c := range []struct {
		tensors []tensorfile.Tensor
		want    string
	}{
		{[]tensorfile.Tensor{counting("attn.0", 1, 2, 3)},
			"\x40\x00\x00\x00\x00\x00\x00\x00" + `{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}` + values},
		{[]tensorfile.Tensor{counting("attn0", 1, 1, 2, 3)},
			"\x48\x00\x00\x00\x00\x00\x00\x00" + `{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ` + values},
		{nil, "\x08\x00\x00\x00\x00\x00\x00\x00{}      "},
	} {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := Write(path, nil, c.tensors); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("%d tensors: %q, %v, want %q", len(c.tensors), got, err, c.want)
		}
	}
}

func TestWriteThenOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	metadata := map[string]string{"labels": "a\n\"b\"\u2028<é>", "architecture": "inception_v3"}
	special := tensorfile.Tensor{Name: "s", Shape: []int{5}, Values: func(dst []float32) error {
		copy(dst, []float32{float32(math.Inf(1)), float32(math.Copysign(0, -1)), 1e-45, math.MaxFloat32, math.Float32frombits(0x7fc00001)})
		return nil
	}}
	// Large comes before unfilled: a reused buffer must not show through.
	unfilled := tensorfile.Tensor{Name: "unfilled", Shape: []int{4}, Values: func([]float32) error { return nil }}
	in := []tensorfile.Tensor{unfilled, constant("z\"\\/é", 3), special, constant("large", 7, 300, 500), constant("empty", 1, 0, 3)}
	if err := Write(path, metadata, in); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !reflect.DeepEqual(f.Metadata(), metadata) {
		t.Errorf("metadata %q, want %q", f.Metadata(), metadata)
	}
	var names []string
	for _, w := range f.Tensors() {
		names = append(names, w.Name)
		i := slices.IndexFunc(in, func(o tensorfile.Tensor) bool { return o.Name == w.Name })
		if i < 0 {
			t.Errorf("tensor %q was never written", w.Name)
			continue
		}
		if w.DType != F32 || !slices.Equal(w.Shape, in[i].Shape) {
			t.Errorf("%q: %s %v, want F32 %v", w.Name, w.DType, w.Shape, in[i].Shape)
		}
		got, want := make([]float32, w.Elements()), make([]float32, w.Elements())
		if err := w.Float32s(got); err != nil {
			t.Fatal(err)
		}
		if err := in[i].Values(want); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tensorfile.BytesOf(got), tensorfile.BytesOf(want)) {
			t.Errorf("%q: other values came back", w.Name)
		}
	}
	if want := []string{"empty", "large", "s", "unfilled", "z\"\\/é"}; !slices.Equal(names, want) {
		t.Errorf("order %q, want %q", names, want)
	}
	if at := int(f.Size()) - len(f.section); at%8 != 0 {
		t.Errorf("data begins at byte %d, no multiple of 8", at)
	}
}

// The same set must give the same bytes, in whatever order it comes.
func TestWriteDeterministic(t *testing.T) {
	dir := t.TempDir()
	metadata := map[string]string{}
	var tensors []tensorfile.Tensor
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		metadata[n] = n
		tensors = append(tensors, counting(n, len(tensors)+1))
	}
	var first []byte
	for i := range 8 {
		path := filepath.Join(dir, "m")
		given := slices.Clone(tensors)
		if err := Write(path, metadata, tensors); err != nil {
			t.Fatal(err)
		}
		for j := range given {
			if given[j].Name != tensors[j].Name {
				t.Fatal("Write reordered the caller's slice")
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		} else if !bytes.Equal(got, first) {
			t.Fatal("the same set in another order gave other bytes")
		}
		tensors = append(tensors[1:], tensors[0])
	}
}

// oldFile puts a file in a fresh folder; untouched fails unless it is there as
// it was, alone.
func oldFile(t *testing.T) (path string, untouched func()) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "m.safetensors")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
			t.Errorf("the old file is %q, %v", got, err)
		}
		alone(t, dir, "m.safetensors")
	}
}

// alone fails unless dir holds the one entry name.
func alone(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v, want %s alone", entries, name)
	}
}

func TestWriteRefuses(t *testing.T) {
	called := false
	ok := tensorfile.Tensor{Name: "a", Shape: []int{1}, Values: func([]float32) error { called = true; return nil }}
	for _, c := range []struct {
		name     string
		metadata map[string]string
		tensors  []tensorfile.Tensor
		parts    []string
	}{
		{"a name twice", nil, []tensorfile.Tensor{ok, constant("w", 1), constant("b", 1), constant("w", 2)}, []string{`tensor "w"`, "each name once", "the name twice", "rename"}},
		{"a negative dimension", nil, []tensorfile.Tensor{ok, constant("w", 1, 2, -1)}, []string{`tensor "w"`, "dimensions of at least 0", "shape [2 -1]"}},
		{"an overflowing shape", nil, []tensorfile.Tensor{ok, constant("w", 1, math.MaxInt, 4)}, []string{`tensor "w"`, "fit", "shape ["}},
		{"an overflowing sum", nil, []tensorfile.Tensor{ok, constant("v", 1, math.MaxInt/4), constant("w", 1, math.MaxInt/4)}, []string{`tensor "v"`, "fit", "shape ["}},
		{"the reserved name", nil, []tensorfile.Tensor{ok, constant("__metadata__", 1)}, []string{`tensor "__metadata__"`, "reserves", "rename"}},
		{"a name not in UTF-8", nil, []tensorfile.Tensor{ok, constant("\xff", 1)}, []string{`tensor "\xff"`, "UTF-8", "rename"}},
		{"metadata not in UTF-8", map[string]string{"k": "\xff"}, []tensorfile.Tensor{ok}, []string{`"k": "\xff"`, "UTF-8"}},
		{"no values", nil, []tensorfile.Tensor{ok, {Name: "w"}}, []string{`tensor "w"`, "Values", "found nil"}},
		{"too long a header", map[string]string{"k": strings.Repeat("x", headerLimit)}, []tensorfile.Tensor{ok}, []string{"at most 100000000 bytes", "shorten"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, untouched := oldFile(t)
			err := Write(path, c.metadata, c.tensors)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range append(c.parts, path, "expected ", "found ") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			if called {
				t.Error("values were asked for before the check")
			}
			untouched()
		})
	}
}

var errValues = errors.New("no values today")

// failing is a set whose second tensor fails.
func failing(fail func([]float32) error) []tensorfile.Tensor {
	return []tensorfile.Tensor{constant("a", 1, 1000), {Name: "b", Shape: []int{1000}, Values: fail}, constant("c", 1, 1000)}
}

func TestWriteValuesFail(t *testing.T) {
	path, untouched := oldFile(t)
	err := Write(path, nil, failing(func([]float32) error { return errValues }))
	if !errors.Is(err, errValues) {
		t.Fatalf("error %v does not wrap that of Values", err)
	}
	for _, part := range []string{path, `tensor "b"`, "1000 values"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	untouched()
}

func TestWriteValuesPanic(t *testing.T) {
	path, untouched := oldFile(t)
	func() {
		defer func() {
			if r := recover(); r != errValues {
				t.Errorf("recovered %v, want the panic of Values", r)
			}
		}()
		_ = Write(path, nil, failing(func([]float32) error { panic(errValues) }))
	}()
	untouched()
}

func TestWriteRenameFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, nil, failing(func([]float32) error { return nil })); err == nil {
		t.Error("wrote over a folder")
	}
	alone(t, dir, "m")
}

func TestWriteNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "m")
	err := Write(path, nil, nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "check that the folder exists") {
		t.Errorf("error %v", err)
	}
}

func TestWriteReplaces(t *testing.T) {
	path, _ := oldFile(t)
	if err := Write(path, nil, []tensorfile.Tensor{constant("w", 1, 2)}); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// A mapped file stays readable as it was while another takes its name.
	if err := Write(path, nil, []tensorfile.Tensor{constant("w", 5, 2)}); err != nil {
		t.Fatal(err)
	}
	w, _ := f.Tensor("w")
	sameBits(t, w, []float32{1, 1})
	alone(t, filepath.Dir(path), "m.safetensors")
}
