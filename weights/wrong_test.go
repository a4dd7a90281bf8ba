package weights_test

import (
	"errors"
	"maps"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// TestNotFinite puts a value that is not finite into the middle of one tensor, and
// expects its name, in the layout of the file, from each way to read it.
func TestNotFinite(t *testing.T) {
	parameters := parametersOf(t, "inception_v4", small)
	const at = 30
	for _, layout := range []weights.Layout{weights.Native, weights.Slim, weights.Timm} {
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			sources := golden.Sources("", parameters)
			if layout == weights.Slim {
				onesForGamma(sources)
			}
			values := sources[at].Values
			sources[at].Values = func(dst []float32) error {
				err := values(dst)
				dst[len(dst)/2] = float32(v)
				return err
			}
			file := write(t, layout, weights.Metadata{Network: "inception_v4", Options: small}, sources)
			found := match(t, file, parameters)
			for i, tensor := range found {
				err := tensor.Read(make([]float32, tensor.Size()))
				if i != at {
					if err != nil {
						t.Fatal(err)
					}
					continue
				}
				var wrong *weights.NotFiniteError
				if !errors.As(err, &wrong) || wrong.Count != 1 || wrong.Of != tensor.Size() || wrong.Path != file || wrong.Tensor == "" {
					t.Errorf("%s, %g: %v", layout, v, err)
				}
			}
			_, err := weights.Convert(t.Context(), file, filepath.Join(t.TempDir(), "out.safetensors"), weights.Native, weights.Hint{})
			wanted.Error(t, err, file, "expected finite numbers")
		}
	}
}

// onesForGamma is what TF-slim's networks have, which have no gamma.
func onesForGamma(sources []weights.Source) {
	for i, s := range sources {
		if strings.HasSuffix(s.Name, "/gamma") {
			sources[i].Values = func(dst []float32) error {
				for k := range dst {
					dst[k] = 1
				}
				return nil
			}
		}
	}
}

// renamed writes a file anew with other names of tensors and other metadata.
func renamed(t *testing.T, file string, name func(string) string, metadata map[string]string, more ...tensorfile.Tensor) string {
	t.Helper()
	f, err := safetensors.OpenTensors(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tensors := more
	for _, tensor := range f.Tensors() {
		tensor.Name = name(tensor.Name)
		tensors = append(tensors, tensor)
	}
	path := filepath.Join(t.TempDir(), "renamed.safetensors")
	if err := safetensors.Write(path, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWrappers reads files whose names begin with what other programs put before them.
func TestWrappers(t *testing.T) {
	parameters := parametersOf(t, "inception_v4", small)
	plain := write(t, weights.Timm, weights.Metadata{}, golden.Sources("", parameters))
	averaged := tensorfile.Tensor{Name: "n_averaged", Values: func([]float32) error { return nil }}
	for _, prefix := range []string{"module.", "model.", "_orig_mod.", "timm_model.", "module._orig_mod.", "model.module.timm_model.", "state_dict.model."} {
		for _, more := range [][]tensorfile.Tensor{nil, {averaged}} {
			file := renamed(t, plain, func(name string) string { return prefix + name }, nil, more...)
			network, _, err := open(t, file).Identify(weights.Hint{})
			if err != nil || network.Name() != "inception_v4" {
				t.Fatalf("%s: %v", prefix, err)
			}
			match(t, file, parameters)
		}
	}
	// What only some names have is not of a wrapper.
	file := renamed(t, plain, func(name string) string {
		if strings.HasPrefix(name, "last_linear") {
			return name
		}
		return "module." + name
	}, nil)
	_, _, err := open(t, file).Identify(weights.Hint{})
	wanted.Error(t, err, file, "unexpected")
}

// TestForeignMetadata reads files in whose metadata other programs use the keys of the
// first versions of this one, and files of these versions.
func TestForeignMetadata(t *testing.T) {
	parameters := parametersOf(t, "inception_v4", small)
	plain := write(t, weights.Timm, weights.Metadata{}, golden.Sources("", parameters))
	same := func(name string) string { return name }
	for _, foreign := range []map[string]string{
		{"format": "pt"},
		{"architecture": "inception_v4"},
		{"architecture": "resnet50", "labels": "cat, dog", "options": "none", "preprocessing": "{", "tag": "7"},
		{"architecture": "inception_v3", "options": `{"classes": 3, "lr": 0.1}`},
		{"architecture": "inception_v3", "options": `{}`, "labels": `{"0": "cat"}`},
		{"labels": "cat"},
	} {
		c := open(t, renamed(t, plain, same, foreign))
		network, card, err := c.Identify(weights.Hint{})
		if err != nil || network.Name() != "inception_v4" || network.Options().Classes != 10 || c.Metadata.Labels != nil || card.Tag != "" {
			t.Errorf("%v: %+v, %v", foreign, c.Metadata, err)
		}
	}
	first := map[string]string{"format": "pt", "architecture": "inception_v4", "options": `{"classes":10,"width":0.125}`, "labels": `[{"name":"cat"}]`, "tag": "x"}
	if m := open(t, renamed(t, plain, same, first)).Metadata; m.Network != "inception_v4" || m.Options.Classes != 10 || len(m.Labels) != 1 || m.Tag != "x" {
		t.Errorf("of the first version: %+v", m)
	}
	both := maps.Clone(first)
	both["inception.architecture"] = "inception_resnet_v2"
	if m := open(t, renamed(t, plain, same, both)).Metadata; m.Network != "inception_resnet_v2" || m.Options.Classes != 0 {
		t.Errorf("with both keys: %+v", m)
	}
}

// TestForeignFiles opens what people have in place of weights.
func TestForeignFiles(t *testing.T) {
	for name, c := range map[string]struct{ content, found string }{
		"model.safetensors.index.json": {`{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}`, "index"},
		"config.json":                  {`{"architecture": "inception_v4"}`, "JSON"},
		"model.onnx":                   {"\x08\x08\x12\x07pytorch\x1a\x05" + strings.Repeat("x", 40), "ONNX"},
		"model.tflite":                 {"\x1c\x00\x00\x00TFL3" + strings.Repeat("x", 40), "TensorFlow Lite"},
		"inception_v4.safetensors":     {"<!DOCTYPE html><html>not found</html>", "web page"},
		"lfs.safetensors":              {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"},
	} {
		_, err := weights.Open(filetree.File(t, name, []byte(c.content)))
		wanted.Error(t, err, name, c.found)
	}
}
