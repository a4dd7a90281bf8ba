package tfjs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// modelText is a description with one weight of each type in two shards.
const modelText = `{"modelTopology": {"model_config": {"class_name": "Sequential", "config": {"layers": [
 {"class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "softmax", "batch_input_shape": [null, 3]}}]}}},
 "weightsManifest": [{"paths": ["one.bin", "two.bin"], "weights": [
 {"name": "d/kernel", "shape": [3, 2], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}},
 {"name": "d/bias", "shape": [2], "dtype": "float32"},
 {"name": "half", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}},
 {"name": "wide", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint16", "scale": 2, "min": 1}}]}]}`

// content is what the shards have: the second weight lies in both.
const content = "\x00\x01\x02\x03\x04\xff" + "\x00\x00\x80\x3f\x00\x00\x00\x40" + "\x00\x3c\x00\xc0" + "\x00\x01"

func files(description string, first, second string) func(name string) (io.ReaderAt, int64, error) {
	all := map[string]string{"m.json": description, "one.bin": first, "two.bin": second}
	return func(name string) (io.ReaderAt, int64, error) {
		data, ok := all[name]
		if !ok {
			return nil, 0, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
		}
		return strings.NewReader(data), int64(len(data)), nil
	}
}

func TestRead(t *testing.T) {
	f := &file{name: "m.json"}
	if err := f.parse("", files(modelText, content[:9], content[9:])); err != nil {
		t.Fatal(err)
	}
	want := map[string][]float32{"d/kernel": {-1, -0.5, 0, 0.5, 1, 126.5}, "d/bias": {1, 2}, "half": {1, -2}, "wide": {513}}
	for _, x := range f.tensors {
		got := make([]float32, x.Elements())
		if err := x.Values(got); err != nil {
			t.Error(err)
		}
		for i, w := range want[x.Name] {
			if got[i] != w {
				t.Errorf("%s[%d] is %g, want %g", x.Name, i, got[i], w)
			}
		}
	}
	if g, err := f.Graph(); err != nil || len(g.Nodes) != 2 {
		t.Errorf("%+v, %v", g, err)
	}
	if !Recognise(tensorfile.Sample{Head: []byte(modelText)}) || Recognise(tensorfile.Sample{Head: []byte(`{"a": 1}`)}) {
		t.Error("a model is not told from other JSON")
	}
}

func TestBroken(t *testing.T) {
	for name, c := range map[string]struct {
		description, first string
		want               []string
	}{
		"short shard":   {modelText, "abc", []string{"m.json", `"half"`, "0 bytes left"}},
		"long shard":    {modelText, content, []string{"m.json", "shards", "found 31"}},
		"missing shard": {strings.Replace(modelText, "two.bin", "six.bin", 1), content[:9], []string{"six.bin", "none"}},
		"outside":       {strings.Replace(modelText, "two.bin", "../two.bin", 1), content[:9], []string{"../two.bin"}},
		"shape":         {strings.Replace(modelText, "[3, 2]", "[4611686018427387904, 4]", 1), content[:9], []string{`"d/kernel"`}},
		"negative":      {strings.Replace(modelText, "[3, 2]", "[-3, 2]", 1), content[:9], []string{`"d/kernel"`}},
		"type":          {strings.Replace(modelText, `"uint8"`, `"uint4"`, 1), content[:9], []string{"uint4"}},
		"graph model":   {`{"format": "graph-model", "modelTopology": {}}`, "", []string{"graph model", "folded"}},
		"not JSON":      {`{"modelTopology": `, "", []string{"JSON"}},
	} {
		f := &file{name: "m.json"}
		err := f.parse("", files(c.description, c.first, content[9:]))
		wanted.ErrorOf(t, name, err, c.want...)
	}
}

// TestFolder opens a model in a folder.
func TestFolder(t *testing.T) {
	folder := t.TempDir()
	for name, data := range map[string]string{"model.json": modelText, "one.bin": content[:9], "two.bin": content[9:]} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(filepath.Join(folder, "model.json"))
	if err != nil || f.Size() != int64(len(modelText)+len(content)) {
		t.Fatalf("%v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(modelText))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &file{name: "m.json"}
		if m.parse("", files(string(bytes.Clone(data)), content[:9], content[9:])) != nil {
			return
		}
		for _, x := range m.tensors {
			if n, ok := tensorfile.Elements(x.Shape); !ok || n > len(content) {
				t.Fatalf("%q has the shape %v", x.Name, x.Shape)
			}
			_ = x.Values(make([]float32, x.Elements()))
		}
		_, _ = m.Graph()
	})
}
