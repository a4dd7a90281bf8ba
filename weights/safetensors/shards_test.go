package safetensors

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
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
		if err := Write(filepath.Join(folder, name), map[string]string{"format": "pt"}, all); err != nil {
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
	if s, err := tensorfile.Look(path); err != nil || !RecogniseIndex(s) || Recognise(s) {
		t.Errorf("it is not recognised: %v", err)
	}
	f, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
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
		`{"weight_map": {}}`: {"weight_map"},
		`{"weight_map": `:    {"JSON"},
	} {
		_, err := OpenIndex(index(text))
		wanted.Error(t, err, append(want, "model.safetensors.index.json")...)
	}
}
