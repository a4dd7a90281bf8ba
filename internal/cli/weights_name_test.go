package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

// TestNamesOfWeights gives the verbs the same weights as a file, by the folder that they
// lie in, and by the tag of a public checkpoint.
func TestNamesOfWeights(t *testing.T) {
	const tag = "timm/inception_v4.tf_in1k"
	cache, folder := t.TempDir(), t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Setenv("HF_HUB_OFFLINE", "1")
	data, empty := labelledPhotos(t, 4, "cat", "cow", "dog"), t.TempDir()
	weights, err := os.ReadFile(tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog"))
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, filepath.Join(folder, "model.safetensors"), weights)
	verbs := map[string]func(weights string) []string{
		"predict": func(w string) []string {
			return []string{"predict", "--weights", w, "--size", "75", filepath.Join(data, "test", "cat", "0.png")}
		},
		"evaluate": func(w string) []string {
			return []string{"evaluate", "--weights", w, "--size", "75", "--data", data, "--split", "test"}
		},
		"train": func(w string) []string {
			return []string{"train", "--weights", w, "--data", data, "--split", "test", "--recipe", recipeFile(t), "--run", filepath.Join(t.TempDir(), "run")}
		},
		"inspect": func(w string) []string { return []string{"weights", "inspect", w} },
		"convert": func(w string) []string {
			return []string{"weights", "convert", w, filepath.Join(t.TempDir(), "converted.safetensors")}
		},
	}
	for verb, args := range verbs {
		t.Run(verb, func(t *testing.T) {
			for weights, want := range map[string][]string{
				"none.safetensors": {"there is no file none.safetensors", tag},
				empty:              {empty, "folder without model.safetensors"},
				tag:                {"hub: no file model.safetensors of " + tag, "put the file at " + filepath.Join(cache, "models--timm--inception_v4.tf_in1k")},
			} {
				_, errOut := run(t, cli.Failed, args(weights)...)
				contains(t, errOut, want...)
				if argument := verb == "inspect" || verb == "convert"; argument && strings.Contains(errOut, "--weights") {
					t.Errorf("%q is about a flag, where there is none", errOut)
				}
			}
		})
	}
	snapshot := filepath.Join(cache, "models--timm--inception_v4.tf_in1k", "snapshots", "manual")
	if err := os.MkdirAll(snapshot, 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(snapshot, "model.safetensors"), weights)
	for verb, args := range verbs {
		t.Run(verb, func(t *testing.T) {
			for _, weights := range []string{file, folder, tag} {
				run(t, cli.Done, args(weights)...)
			}
		})
	}
}

// recipeFile writes a recipe that takes its network from weights, for images of a size
// that a test trains on in seconds.
func recipeFile(t *testing.T) string {
	t.Helper()
	return writeFile(t, filepath.Join(t.TempDir(), "tuning.yaml"), []byte(`size: 75
crop: 1
distortion: shift
validation: {share: 0.4}
seed: 1
epochs: 1
batch: 2
optimizer: {sgd: {momentum: 0.9}}
learning_rate: {initial: 0.001}
weight_decay: 0
label_smoothing: 0
average_decay: 0.8
`))
}
