package npz

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

func open(t testing.TB, path string) tensorfile.File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func values(t testing.TB, x tensorfile.Tensor) []float32 {
	t.Helper()
	v := make([]float32, x.Elements())
	if err := x.Values(v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestNumpyFiles reads what numpy has written (testdata/make.py).
func TestNumpyFiles(t *testing.T) {
	want := []string{
		"scope/Conv2d_1a_3x3/weights <f4 [3 2 4 5]", "half <f2 [7 3]", "double <f8 [7 3]",
		"big/half >f2 [7 3]", "big/single >f4 [7 3]", "big/double >f8 [7 3]",
		"columns/single <f4 [3 2 4 5]", "columns/double >f8 [30 100 3]",
		"row <f4 [6]", "scalar <f4 []", "empty <f4 [0 3]",
		"counter <i8 [2]", "bytes |u1 [2]", "flags |b1 [2]", "names <U2 [2]",
	}
	metadata := map[string]string{"inception.note": "grüße 😀", "inception.big": "big", "inception.none": "", "inception.bytes": "plain"}
	for _, name := range []string{"stored.npz", "deflated.npz"} {
		f := open(t, filepath.Join("testdata", name))
		if info, err := os.Stat(filepath.Join("testdata", name)); err != nil || f.Size() != info.Size() {
			t.Errorf("%s: %d bytes, want %d", name, f.Size(), info.Size())
		}
		if got := f.Metadata(); !maps.Equal(got, metadata) {
			t.Errorf("%s: metadata %q", name, got)
		}
		var got []string
		for _, x := range f.Tensors() {
			got = append(got, fmt.Sprintf("%s %s %v", x.Name, x.DType, x.Shape))
			if x.DType[1] != 'f' {
				wanted.Error(t, x.Values(make([]float32, x.Elements())), name, x.Name+".npy", "f2, f4 or f8", x.DType, "float32")
				continue
			}
			for i, v := range values(t, x) {
				if v != 0.5*float32(i)-3 {
					t.Errorf("%s: %s element %d is %g", name, x.Name, i, v)
					break
				}
			}
			wanted.Error(t, x.Values(make([]float32, x.Elements()+1)), "room for", x.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", name, got, want)
		}
	}
	versions := open(t, "testdata/versions.npz").Tensors()
	if len(versions) != 3 {
		t.Fatalf("%d versions", len(versions))
	}
	for _, x := range versions {
		if v := values(t, x); !slices.Equal(v, []float32{-3, -2.5, -2, -1.5, -1, -0.5}) {
			t.Errorf("%s is %v", x.Name, v)
		}
	}
}

func TestNotPlainNumbers(t *testing.T) {
	_, err := Open("testdata/objects.npz")
	wanted.Error(t, err, "objects.npz", `"bad.npy"`, "Python objects", "pickle", "numeric dtype")
	_, err = Open("testdata/records.npz")
	wanted.Error(t, err, "records.npz", `"bad.npy"`, "records with fields")
}

func TestRecognise(t *testing.T) {
	for path, want := range map[string]bool{"stored.npz": true, "deflated.npz": true, "versions.npz": true, "make.py": false} {
		s, err := tensorfile.Look(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		if got := Recognise(s); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, head := range []string{"", "PK\x03\x04", "PK\x03\x04" + string(make([]byte, 22)) + "\xff\xff"} {
		if Recognise(tensorfile.Sample{Head: []byte(head)}) {
			t.Errorf("%q was recognised", head)
		}
	}
	torch := zipped(t, entry{name: "archive/data.pkl", data: "\x80\x02."})
	if Recognise(tensorfile.Sample{Head: torch}) {
		t.Error("a PyTorch file was recognised")
	}
}

// TestChangedAfterOpening checks that bytes that change are noticed when they are read.
func TestChangedAfterOpening(t *testing.T) {
	for _, name := range []string{"stored.npz", "deflated.npz"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := parse("m.npz", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		x := f.Tensors()[0]
		at := bytes.Index(data, []byte("weights.npy")) + len("weights.npy")
		data[at+20+128+90] ^= 0x10 // among the elements
		if err := x.Values(make([]float32, x.Elements())); err == nil {
			t.Errorf("%s: a flipped bit went unnoticed", name)
		} else {
			wanted.Error(t, err, "m.npz", "weights.npy")
		}
	}
	path := filepath.Join(t.TempDir(), "m.npz")
	if err := Write(path, nil, []tensorfile.Tensor{ramp("w", 30, 1000)}); err != nil {
		t.Fatal(err)
	}
	f := open(t, path)
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, f.Tensors()[0].Values(make([]float32, 30000)), path, "w.npy", "shorter")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	wanted.Error(t, f.Tensors()[0].Values(make([]float32, 30000)), path, "w.npy", "closed")
}

func TestOpenErrors(t *testing.T) {
	folder := t.TempDir()
	_, err := Open(folder)
	wanted.Error(t, err, folder, "no regular file but d", "check the path")
	missing := filepath.Join(folder, "none.npz")
	_, err = Open(missing)
	wanted.Error(t, err, missing, "no such file", "check the path")
}

// TestSpecialValues keeps every bit.
func TestSpecialValues(t *testing.T) {
	special := []uint32{0, 1 << 31, 1, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f7fffff, 0x00800000}
	path := filepath.Join(t.TempDir(), "m.npz")
	err := Write(path, nil, []tensorfile.Tensor{{Name: "s", Shape: []int{len(special)}, Values: func(dst []float32) error {
		for i, b := range special {
			dst[i] = math.Float32frombits(b)
		}
		return nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values(t, open(t, path).Tensors()[0]) {
		if math.Float32bits(v) != special[i] {
			t.Errorf("%#x came back as %#x", special[i], math.Float32bits(v))
		}
	}
}
