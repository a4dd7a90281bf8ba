package onnx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// TestRead compares with what the onnx package says is in its files (testdata/make.py).
func TestRead(t *testing.T) {
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float64
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inside.onnx", "external.onnx"} {
		path := filepath.Join("testdata", name)
		if s, err := tensorfile.Look(path); err != nil || !Recognise(s) {
			t.Errorf("%s is not recognised: %v", name, err)
		}
		f, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		if f.Metadata()["author"] != "make.py" {
			t.Errorf("%s: metadata %v", name, f.Metadata())
		}
		seen := 0
		for _, x := range f.Tensors() {
			w, ok := want[x.Name]
			if !ok {
				continue
			}
			seen++
			values := make([]float32, x.Elements())
			if err := x.Values(values); err != nil {
				t.Error(err)
			}
			for i, v := range w {
				if values[i] != float32(v) {
					t.Errorf("%s: %s[%d] is %g, want %g", name, x.Name, i, values[i], v)
					break
				}
			}
		}
		if seen != len(want) {
			t.Errorf("%s: %d tensors, want %d", name, seen, len(want))
		}
		g, err := f.(tensorfile.Grapher).Graph()
		if err != nil || g.Side != 9 || g.Nodes[g.Output].Function != tensorfile.FunctionSoftmax {
			t.Errorf("%s: the graph is %+v, %v", name, g, err)
		}
	}
}

func inMemory(all map[string][]byte) func(name string) (io.ReaderAt, int64, error) {
	return func(name string) (io.ReaderAt, int64, error) {
		data, ok := all[name]
		if !ok {
			return nil, 0, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
		}
		return bytes.NewReader(data), int64(len(data)), nil
	}
}

func TestBroken(t *testing.T) {
	inside, err := os.ReadFile("testdata/inside.onnx")
	if err != nil {
		t.Fatal(err)
	}
	external, err := os.ReadFile("testdata/external.onnx")
	if err != nil {
		t.Fatal(err)
	}
	open := func(data []byte, beside map[string][]byte) error {
		files := map[string][]byte{"m.onnx": data}
		for name, d := range beside {
			files[name] = d
		}
		f := &file{name: "m.onnx"}
		return f.parse(inMemory(files))
	}
	for n := range len(inside) {
		if err := open(inside[:n], nil); err == nil && n < len(inside)/2 {
			t.Fatalf("a file cut to %d of %d bytes is read", n, len(inside))
		}
	}
	wanted.Error(t, open(external, nil), "external.data", "none")
	wanted.Error(t, open(external, map[string][]byte{"external.data": make([]byte, 9)}), "external.data", "9 bytes")
	outside := bytes.ReplaceAll(external, []byte("external.data"), []byte("../ternal.dat"))
	wanted.Error(t, open(outside, nil), "../ternal.dat", "in the folder")
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"inside.onnx", "external.onnx"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &file{name: "m.onnx"}
		if m.parse(inMemory(map[string][]byte{"m.onnx": data, "external.data": make([]byte, 4096)})) != nil {
			return
		}
		for _, x := range m.tensors {
			n, ok := tensorfile.Elements(x.Shape)
			if !ok {
				t.Fatalf("%q has the shape %v", x.Name, x.Shape)
			}
			if n < 1<<16 {
				_ = x.Values(make([]float32, n))
			}
		}
		_, _ = m.Graph()
	})
}

// TestTorch reads what PyTorch's exporter writes of torchvision's Inception-v3
// (testdata/make_torch.py).
func TestTorch(t *testing.T) {
	f, err := Open("testdata/torch.onnx")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := f.(tensorfile.Grapher).Graph()
	if err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, n := range g.Nodes {
		ops = append(ops, n.Op)
	}
	want := []string{tensorfile.OpConvolution, tensorfile.OpActivation, tensorfile.OpAveragePool}
	if !slices.Equal(ops, want) {
		t.Fatalf("the operations are %q, want %q", ops, want)
	}
	if n := g.Nodes[0]; n.Inputs[0] != tensorfile.GraphInput || !g.OfImageNet {
		t.Errorf("the convolution is of %v, want the images", n.Inputs)
	}
	if n := g.Nodes[2]; !n.CountsPadding || n.Padding != [4]int{1, 1, 1, 1} || n.Inputs[0] != 1 {
		t.Errorf("the pooling is %+v", n)
	}
}
