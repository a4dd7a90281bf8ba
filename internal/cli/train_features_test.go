package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

// TestTrainOnFeatures trains classes on the features of an index, and expects that predict says
// what the head says.
func TestTrainOnFeatures(t *testing.T) {
	w, above := tiny(t), t.TempDir()
	photos := filepath.Join(above, "photos")
	for i := range 8 {
		for class, width := range map[string]int{"fine": 2, "wide": 15} {
			split := "train"
			if i >= 6 {
				split = "val"
			}
			folder := filepath.Join(photos, split, class)
			if err := os.MkdirAll(folder, 0o777); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(folder, fmt.Sprint(i, ".png")), striped(t, 80+i, width+i%2))
		}
	}
	index, to := filepath.Join(above, "photos.index.safetensors"), filepath.Join(above, "run")
	run(t, cli.Done, "nearest", photos, "--weights", w, "--size", "75", "--batch", "4")
	out, _ := run(t, cli.Done, "train", "--features", index, "--split", "train", "--validation", "validation", "--penalty", "0.001", "--run", to)
	contains(t, out, "2 classes, 12 photographs", "held out: top-1 100.00%", "of 4 photographs")

	out, _ = run(t, cli.Done, "predict", "--weights", to, "--json", "--batch", "4", filepath.Join(photos, "val"))
	var predicted []struct {
		File        string
		Predictions []struct{ Label string }
	}
	if err := json.Unmarshal([]byte(out), &predicted); err != nil {
		t.Fatal(err)
	}
	for _, p := range predicted {
		if want := filepath.Base(filepath.Dir(p.File)); p.Predictions[0].Label != want || len(p.Predictions) != 2 {
			t.Errorf("%s is %+v", p.File, p.Predictions)
		}
	}
	_, errOut := run(t, cli.Failed, "train", "--features", index, "--split", "train", "--run", to)
	contains(t, errOut, "model.safetensors is there already", "--run")

	// A share is held out by the seed, of features that are a file of their own.
	stored := filepath.Join(above, "stored.safetensors")
	run(t, cli.Done, "features", "--weights", w, "--size", "75", "--batch", "4", "--out", stored, filepath.Join(photos, "train"))
	out, _ = run(t, cli.Done, "train", "--features", stored, "--split", "train", "--validation", "0.34", "--seed", "3", "--json", "--run", filepath.Join(above, "other"))
	var result struct {
		Photographs, Classes int
		Converged            bool
		Validation           struct{ Top1 struct{ Images, Errors int } }
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || result.Photographs != 8 || result.Validation.Top1.Images != 4 || !result.Converged {
		t.Errorf("trained %s, %v", out, err)
	}

	for want, args := range map[string][]string{
		"--epochs is for training on images": {"--features", index, "--epochs", "3"},
		"--recipe is for training on images": {"--features", index, "--recipe", "cifar10-narrow"},
		"--penalty is for --features":        {"--penalty", "1"},
		"a share between 0 and 1":            {"--features", index, "--validation", "1.5"},
		"is in it, and among those":          {"--features", index, "--split", "train", "--validation", "train"},
	} {
		_, errOut := run(t, cli.Usage, append([]string{"train", "--run", filepath.Join(above, "third")}, args...)...)
		contains(t, errOut, want)
	}
	_, errOut = run(t, cli.Failed, "train", "--features", index, "--run", filepath.Join(above, "third"))
	contains(t, errOut, index, "splits")
	other := tinyOtherThan(t, w)
	_, errOut = run(t, cli.Failed, "train", "--features", index, "--split", "train", "--weights", other, "--run", filepath.Join(above, "third"))
	contains(t, errOut, index, "SHA-256")
	if _, err := os.Stat(filepath.Join(above, "third")); err == nil {
		t.Error("a folder is left of what was refused")
	}
}

// tinyOtherThan writes weights that differ in a bit.
func tinyOtherThan(t *testing.T, weights string) string {
	t.Helper()
	data, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	return writeFile(t, filepath.Join(t.TempDir(), "other.safetensors"), data)
}
