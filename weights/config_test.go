package weights_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// TestConfig puts what timm writes beside weights.
func TestConfig(t *testing.T) {
	path := write(t, weights.Timm, weights.Metadata{}, golden.Sources("", parametersOf(t, "inception_v4", small)))
	config := func(text string) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), weights.ConfigFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	names := `"zero", "n1", "two", "three", "four", "five", "six", "seven", "eight", "nine"`
	config(`{"architecture": "inception_v4", "num_classes": 10, "label_names": [` + names + `], "label_descriptions": {"n1": "one"},
		"pretrained_cfg": {"input_size": [3, 128, 128], "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "crop_pct": 0.9, "crop_mode": "squash", "interpolation": "bilinear"}}`)
	c := open(t, path)
	network, card, err := c.Identify(weights.Hint{})
	if err != nil || network.Name() != "inception_v4" || network.Options().Classes != 10 {
		t.Fatalf("%v, %v", network, err)
	}
	want := vision.Preprocessing{Size: 128, Crop: 0.9, Interpolation: vision.Bilinear, Fit: vision.FitSquash, Mean: [3]float32{0.1, 0.2, 0.3}, Std: [3]float32{0.4, 0.5, 0.6}}
	if card.Preprocessing != want {
		t.Errorf("%+v, want %+v", card.Preprocessing, want)
	}
	if l := c.Metadata.Labels; len(l) != 10 || l[0].Name != "zero" || l[1].Synset != "n1" || l[1].Name != "one" {
		t.Errorf("%+v", l)
	}
	for text, parts := range map[string][]string{
		`{"architecture": "resnet50"}`: {"config.json", `"resnet50"`},
		`{"architecture": "inception_v4", "num_classes": 3, "label_names": [` + names + `]}`: {"3 classes", "10 labels"},
		`{"architecture": "inception_v4", "pretrained_cfg": {"interpolation": "random"}}`:    {"config.json", "interpolation", "random", "lanczos"},
		`{"architecture": "inception_v4", "pretrained_cfg": {"crop_mode": "stretch"}}`:       {"config.json", "crop_mode", "stretch"},
		`{"architecture": "inception_v4", "pretrained_cfg": {"mean": [1]}}`:                  {"config.json", "mean"},
		`{"architecture": "inception_v4", "pretrained_cfg": {"input_size": [1, 28, 28]}}`:    {"config.json", "input_size"},
		`{"architecture": "inception_v4", "pretrained_cfg": `:                                {"config.json", "JSON"},
		`{"architecture": "inception_v4", "pretrained_cfg": {"std": [0, 1, 1]}}`:             {"config.json"},
	} {
		config(text)
		_, err := weights.Open(path)
		wanted.Error(t, err, parts...)
	}
	config(`{"architecture": "inception_v3"}`)
	if _, _, err := open(t, path).Identify(weights.Hint{}); err == nil || !strings.Contains(err.Error(), "inception_v3") {
		t.Errorf("weights of another network than the folder says: %v", err)
	}
	config(`{"model_type": "bert"}`)
	if _, _, err := open(t, path).Identify(weights.Hint{}); err != nil {
		t.Errorf("a config of another program: %v", err)
	}
}

// TestFolders finds weights by what their folders have.
func TestFolders(t *testing.T) {
	put := func(names ...string) string {
		folder := t.TempDir()
		for _, name := range names {
			name, text, _ := strings.Cut(name, "=")
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return folder
	}
	for want, folder := range map[string]string{
		"model.safetensors.index.json": put("model.safetensors.index.json", "model-00001-of-00002.safetensors"),
		"saved_model.pb":               put("saved_model.pb", "keras_metadata.pb"),
		"model.json":                   put("model.json", "group1-shard1of1.bin"),
		"face.pt":                      put("face.pt", "readme.txt"),
		"model.ckpt-7.index":           put(`checkpoint=model_checkpoint_path: "/old/place/model.ckpt-7"`, "model.ckpt-7.index", "model.ckpt-3.index"),
		"model.ckpt-9":                 put(`checkpoint=model_checkpoint_path: "model.ckpt-9"`, "model.ckpt-9", "model.ckpt-3"),
	} {
		if path, _, err := weights.Find(folder); err != nil || path != filepath.Join(folder, want) {
			t.Errorf("%q, %v, want %s", path, err, want)
		}
	}
	folder := put("a.ckpt.index", "a.ckpt.data-00000-of-00001")
	if path, _, err := weights.Find(filepath.Join(folder, "a.ckpt")); err != nil || path != filepath.Join(folder, "a.ckpt.index") {
		t.Errorf("%q, %v", path, err)
	}
	_, _, err := weights.Find(put("a.pth", "b.pth"))
	wanted.Error(t, err, "2 files", "a.pth, b.pth")
	_, _, err = weights.Find(put(`checkpoint=model_checkpoint_path: "gone"`))
	wanted.Error(t, err, "gone", "not there")
}

// TestFiles counts the files that weights consist of.
func TestFiles(t *testing.T) {
	for path, want := range map[string]int{
		"tensorflow/testdata/v2.ckpt.index": 2, "tensorflow/testdata/sharded_v1.ckpt-00001-of-00003": 3, "tensorflow/testdata/saved/saved_model.pb": 3,
		"pytorch/testdata/zip.pth": 1, "onnx/testdata/external.onnx": 2, "onnx/testdata/inside.onnx": 1,
	} {
		if files, err := weights.Files(path); err != nil || len(files) != want {
			t.Errorf("%s: %v, %v, want %d", path, files, err, want)
		}
	}
}
