package npz

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// ramp is a tensor of the values 0.5*i - 3.
func ramp(name string, shape ...int) tensorfile.Tensor {
	return tensorfile.Tensor{Name: name, Shape: shape, Values: func(dst []float32) error {
		for i := range dst {
			dst[i] = 0.5*float32(i) - 3
		}
		return nil
	}}
}

// deflate compresses head and zeros, and returns their checksum too.
func deflate(t testing.TB, head string, zeros int64) (string, uint32) {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	sum := crc32.NewIEEE()
	both := io.MultiWriter(w, sum)
	if _, err := io.WriteString(both, head); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for ; zeros > 0; zeros -= min(zeros, int64(len(block))) {
		if _, err := both.Write(block[:min(zeros, int64(len(block)))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), sum.Sum32()
}

var sample = []tensorfile.Tensor{
	ramp("scope/b/weights", 3, 2, 4, 5), ramp("scope/a", 6), ramp("scalar"), ramp("empty", 0, 3), ramp("matrix", 300, 7),
	{Name: "unfilled", Shape: []int{4}, Values: func([]float32) error { return nil }},
}

var sampleText = map[string]string{"inception.labels": `[{"name":"Grüße, \"😀\""}]`, "inception.none": "", "other": "line\nline"}

func TestWriteAndRead(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "m.npz")
	if err := Write(path, sampleText, sample); err != nil {
		t.Fatal(err)
	}
	f := open(t, path)
	if got := f.Metadata(); !maps.Equal(got, sampleText) {
		t.Errorf("metadata %q", got)
	}
	var names []string
	for _, x := range f.Tensors() {
		names = append(names, x.Name)
		i := slices.IndexFunc(sample, func(s tensorfile.Tensor) bool { return s.Name == x.Name })
		want := make([]float32, sample[i].Elements())
		if err := sample[i].Values(want); err != nil {
			t.Fatal(err)
		}
		if got := values(t, x); !slices.Equal(got, want) || !slices.Equal(x.Shape, sample[i].Shape) && len(x.Shape) > 0 || x.DType != "<f4" {
			t.Errorf("%s of %v came back as %s of %v", x.Name, sample[i].Shape, x.DType, x.Shape)
		}
	}
	if want := []string{"empty", "matrix", "scalar", "scope/a", "scope/b/weights", "unfilled"}; !slices.Equal(names, want) {
		t.Errorf("tensors %q, want %q", names, want)
	}
	// The same in another order gives the same file, and elements lie aligned in entries.
	again := filepath.Join(folder, "again.npz")
	other := slices.Clone(sample)
	slices.Reverse(other)
	if err := Write(again, sampleText, other); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(path)
	b, _ := os.ReadFile(again)
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("the order of the tensors changes the file")
	}
	z, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if h, err := readHeader(r, complainer{}); err != nil || h.length%alignment != 0 {
			t.Errorf("%s has a header of %d bytes, %v", e.Name, h.length, err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.npz")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	for _, c := range []struct {
		name     string
		metadata map[string]string
		tensors  []tensorfile.Tensor
		parts    []string
	}{
		{"a name twice", nil, []tensorfile.Tensor{ramp("w", 1), ramp("v", 1), ramp("w", 2)}, []string{`"w"`, "the name twice"}},
		{"a tensor like a key", map[string]string{"w": "x"}, []tensorfile.Tensor{ramp("w", 1)}, []string{`"w"`, "the name twice"}},
		{"a path up", nil, []tensorfile.Tensor{ramp("../w", 1)}, []string{`"../w"`, "straight down"}},
		{"a key that is a path up", map[string]string{"../k": ""}, nil, []string{`"../k"`, "straight down"}},
		{"a long name", nil, []tensorfile.Tensor{ramp(strings.Repeat("x", 1<<16), 1)}, []string{"too long"}},
		{"a negative dimension", nil, []tensorfile.Tensor{ramp("w", 2, -1)}, []string{`"w"`, "[2 -1]"}},
		{"an overflow", nil, []tensorfile.Tensor{ramp("w", math.MaxInt, 4)}, []string{`"w"`, "fit"}},
		{"no values", nil, []tensorfile.Tensor{{Name: "w"}}, []string{`"w"`, "Values"}},
		{"metadata not in UTF-8", map[string]string{"k": "\xff"}, nil, []string{`"k"`, "UTF-8"}},
		{"metadata that end in zeros", map[string]string{"k": "a\x00"}, nil, []string{`"k"`, "end in zeros"}},
		{"much metadata", map[string]string{"k": strings.Repeat("x", textLimit/4+1)}, nil, []string{"at most 67108864"}},
		{"values that fail", nil, []tensorfile.Tensor{ramp("v", 3), {Name: "w", Shape: []int{5}, Values: func([]float32) error { return broken }}}, []string{`"w"`, "its 5 values", "broken"}},
	} {
		wanted.Error(t, Write(path, c.metadata, c.tensors), append(c.parts, path)...)
		if got, err := os.ReadFile(path); string(got) != "old" || err != nil {
			t.Errorf("%s: the file holds %q, %v", c.name, got, err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(names) != 1 {
		t.Errorf("left behind: %q", names)
	}
}

// TestNumpyReads has numpy itself open what is written.
func TestNumpyReads(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to read the file with")
	}
	if out, err := exec.Command(python, "-c", "import numpy").CombinedOutput(); err != nil {
		t.Skipf("%s has no numpy to read the file with: %s", python, bytes.TrimSpace(out))
	}
	path := filepath.Join(t.TempDir(), "m.npz")
	if err := Write(path, sampleText, sample); err != nil {
		t.Fatal(err)
	}
	const script = `
import sys, numpy as np
with np.load(sys.argv[1], allow_pickle=False) as f:
    for name in f.files:
        a = f[name]
        if a.dtype.kind == "U":
            print(name, ascii(a.item()), a.shape)
            continue
        flat = a.reshape(-1)
        want = np.arange(a.size) * 0.5 - 3 if name != "unfilled" else 0
        print(name, a.dtype.str, a.shape, a.flags.c_contiguous, bool((flat == want).all()))
`
	out, err := exec.Command(python, "-c", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `inception.labels '[{"name":"Gr\xfc\xdfe, \\"\U0001f600\\""}]' ()
inception.none '' ()
other 'line\nline' ()
empty <f4 (0, 3) True True
matrix <f4 (300, 7) True True
scalar <f4 () True True
scope/a <f4 (6,) True True
scope/b/weights <f4 (3, 2, 4, 5) True True
unfilled <f4 (4,) True True
`
	if got := strings.ReplaceAll(string(out), "\r\n", "\n"); got != want {
		t.Errorf("numpy reads\n%s\nwant\n%s", got, want)
	}
}
