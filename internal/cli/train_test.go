package cli_test

import (
	"encoding/json"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// colouredSet makes a folder of two classes of one colour each.
func colouredSet(t *testing.T) string {
	t.Helper()
	files := map[string][]byte{}
	for class, c := range []color.NRGBA{{200, 30, 30, 255}, {30, 30, 200, 255}} {
		for i := range 12 {
			picture := pictures.Draw(16, 16, func(x, y int) color.NRGBA {
				return color.NRGBA{c.R + uint8(i), c.G + uint8(x), c.B + uint8(y), 255}
			})
			files[fmt.Sprintf("class%d/%02d.png", class, i)] = pictures.PNG(t, picture)
		}
	}
	return filetree.Write(t, files)
}

const smallRecipe = `network: inception_resnet_v1
width: 0.05
blocks: [1, 1, 1]
batch_norm_decay: 0.8
size: 75
crop: 1
distortion: shift
validation: {share: 0.3}
seed: 1
epochs: 3
batch: 4
optimizer: {sgd: {momentum: 0.9}}
learning_rate: {initial: 0.02}
clip_norm: 2
weight_decay: 0
label_smoothing: 0
average_decay: 0.8
`

func TestTrain(t *testing.T) {
	set := colouredSet(t)
	path := filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(path, []byte(smallRecipe), 0o666); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "run")
	out, errOut := run(t, 0, "train", "--recipe", path, "--data", set, "--run", folder, "--epochs", "2", "--seed", "5")
	contains(t, out, folder+": trained at step", "images/s, waiting for images", "last validation", "best validation", "top-1")
	contains(t, errOut, "msg=validated", "loss")

	for _, pattern := range []string{"curves.png", "metrics.csv", "best.safetensors", "events.out.tfevents.*"} {
		if found, err := filepath.Glob(filepath.Join(folder, pattern)); err != nil || len(found) != 1 {
			t.Errorf("the run has %v, want one %s", found, pattern)
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "recipe.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	used, err := recipe.ParseTraining(text)
	if err != nil {
		t.Fatal(err)
	}
	if used.Epochs != 2 || used.Seed != 5 || used.Data != set || used.Batch != 4 {
		t.Errorf("the recipe of the run is %+v", used)
	}

	out, _ = run(t, 0, "train", "--resume", "--run", folder, "--json") // nothing is left to do
	var result struct {
		Finished bool `json:"finished"`
		Last     struct {
			Step   int     `json:"step"`
			Images int     `json:"images"`
			Top1   float64 `json:"top1"`
		} `json:"last"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	if !result.Finished || result.Last.Images == 0 || result.Last.Step == 0 {
		t.Errorf("JSON says %+v", result)
	}
	run(t, 0, "predict", "--weights", filepath.Join(folder, "model.safetensors"), filepath.Join(set, "class0", "01.png"))

	_, errOut = run(t, 1, "train", "--recipe", path, "--data", set, "--run", folder)
	contains(t, errOut, "has a run already")

	tuned := filepath.Join(t.TempDir(), "tuned")
	run(t, 0, "train", "--recipe", "finetune-photos", "--weights", filepath.Join(folder, "model.safetensors"), "--data", set,
		"--run", tuned, "--epochs", "1", "--batch", "4", "--freeze", "InceptionResnetV1/Conv2d_1a_3x3,InceptionResnetV1/Repeat")
	text, err = os.ReadFile(filepath.Join(tuned, "recipe.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(text), "network: inception_resnet_v1", "freeze: [InceptionResnetV1/Conv2d_1a_3x3, InceptionResnetV1/Repeat]", "size: 75")
}

func TestTrainUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "--recipe is missing"},
		{"--recipe cifar10-narrow", "--data is missing"},
		{"--recipe cifar100 --data x", "known are cifar10-narrow"},
		{"--recipe cifar10-narrow --data x --epochs -1", "epochs should be more than 0"},
		{"--recipe cifar10-narrow --data x --validation 2", "between 0 and 1, found 2"},
		{"--recipe cifar10-narrow --data x --freeze A", "name a file of weights"},
		{"--recipe finetune-photos --data x", "network should name one, or weights"},
		{"--resume", "--resume needs --run"},
		{"--resume --run x --batch 3", "--batch cannot be given with --resume"},
		{"--recipe cifar10-narrow --data x --threads -1", "--threads"},
		{"--recipe cifar10-narrow --data x --replicas mpi", "go build -tags mpi"},
		{"--recipe cifar10-narrow --data x --replicas tcp", "unknown way to connect replicas"},
		{"x", "takes no arguments"},
	} {
		_, errOut := run(t, 2, append([]string{"train"}, strings.Fields(c.args)...)...)
		contains(t, errOut, c.want)
	}
	_, errOut := run(t, 1, "train", "--resume", "--run", filepath.Join(t.TempDir(), "none"))
	contains(t, errOut, "no run to resume")
	_, errOut = run(t, 1, "train", "--recipe", "cifar10-narrow", "--data", filepath.Join(t.TempDir(), "none"), "--run", filepath.Join(t.TempDir(), "run"))
	contains(t, errOut, "none")
}
