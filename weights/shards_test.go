package weights_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

func TestShards(t *testing.T) {
	folder := t.TempDir()
	shard := func(name string, value float32, tensors ...string) {
		var all []tensorfile.Tensor
		for _, x := range tensors {
			all = append(all, tensorfile.Tensor{Name: x, Shape: []int{1}, Values: func(dst []float32) error {
				dst[0] = value
				return nil
			}})
		}
		if err := safetensors.Write(filepath.Join(folder, name), map[string]string{"format": "pt"}, all); err != nil {
			t.Fatal(err)
		}
	}
	shard("one.safetensors", 1, "a", "b")
	shard("two.safetensors", 2, "c")
	index := func(text string) string {
		path := filepath.Join(folder, "model.safetensors.index.json")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := index(`{"metadata": {"total_size": 12}, "weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"}}`)
	c := open(t, path)
	if c.Format.Name != "shards" {
		t.Errorf("it is recognised as %s", c.Format.Name)
	}
	f := c.File()
	got := map[string]float32{}
	for _, x := range f.Tensors() {
		v := make([]float32, 1)
		if err := x.Values(v); err != nil {
			t.Error(err)
		}
		got[x.Name] = v[0]
	}
	if len(got) != 3 || got["a"] != 1 || got["b"] != 1 || got["c"] != 2 || f.Metadata()["format"] != "pt" {
		t.Errorf("%v, %v", got, f.Metadata())
	}
	for text, want := range map[string][]string{
		`{"weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "three.safetensors"}}`:                       {"three.safetensors", "none"},
		`{"weight_map": {"a": "one.safetensors", "c": "two.safetensors"}}`:                                                 {`"b"`, "does not name"},
		`{"weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors", "d": "two.safetensors"}}`: {`"d"`, "two.safetensors"},
		`{"weight_map": {"a": "../one.safetensors"}}`:                                                                      {"../one.safetensors"},
		`{"weight_map": {"a": "model.safetensors.index.json"}}`:                                                            {"another index"},
		`{"weight_map": {}}`: {"weight_map"},
		`{"weight_map": `:    {"JSON"},
	} {
		_, err := weights.Open(index(text))
		wanted.Error(t, err, append(want, "model.safetensors.index.json")...)
	}
}

// TestPyTorchShards opens files of torch.save by their index: those of pytorch's tests, which
// have other names.
func TestPyTorchShards(t *testing.T) {
	folder := t.TempDir()
	whole := open(t, "pytorch/testdata/zip.pth")
	weightMap := map[string]string{}
	for _, x := range whole.File().Tensors() {
		weightMap[x.Name] = "pytorch_model-00001-of-00001.bin"
	}
	data, err := os.ReadFile("pytorch/testdata/zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"weight_map": weightMap})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"pytorch_model-00001-of-00001.bin": data, "pytorch_model.bin.index.json": text} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	path, _, err := weights.Find(folder)
	if err != nil || filepath.Base(path) != "pytorch_model.bin.index.json" {
		t.Fatalf("%s, %v", path, err)
	}
	c := open(t, path)
	if got, want := len(c.File().Tensors()), len(whole.File().Tensors()); got != want || got == 0 {
		t.Errorf("%d tensors, want %d", got, want)
	}
	if parts, err := weights.Files(path); len(parts) != 2 || err != nil {
		t.Errorf("files %q, %v", parts, err)
	}
}
