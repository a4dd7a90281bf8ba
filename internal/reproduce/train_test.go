package reproduce

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// colours is a set of two classes, dark and light pictures, n of each in both splits.
func colours(t *testing.T, n int) string {
	t.Helper()
	files := map[string][]byte{}
	for _, split := range []string{"train", "test"} {
		for class, level := range map[string]int{"dark": 40, "light": 200} {
			for i := range n {
				m := image.NewGray(image.Rect(0, 0, 16, 16))
				for j := range m.Pix {
					m.Pix[j] = uint8(level + (i*31+j*j)%40)
				}
				m.SetGray(0, 0, color.Gray{uint8(i)})
				files[fmt.Sprintf("%s/%s/%d.png", split, class, i)] = pictures.PNG(t, m)
			}
		}
	}
	return filetree.Write(t, files)
}

// TestTrain trains a trial in its parts, which are as many points of rising steps, and
// leaves averaged weights and others that differ from them in values alone.
func TestTrain(t *testing.T) {
	backend := cpubackend.New(t)
	c := Config{Data: colours(t, 70), Train: "train", Test: "test", Images: 8, Folder: t.TempDir()}
	test, err := dataset.Open(context.Background(), c.Data, dataset.Options{Split: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer test.Close()
	arm := &Arm{Name: "tiny", Network: "inception_resnet_v1", Width: 0.125, Blocks: []int{1, 1, 1}}
	if err := arm.measure(2); err != nil {
		t.Fatal(err)
	}
	trial := &Trial{Arm: arm, Seed: 1, Recipe: arm.recipeOf(c, 1, 1.9)} // of about 138 images: 8 or 9 steps
	trainer := &trainer{backend, c, test}
	if err := trainer.train(context.Background(), trial, filepath.Join(c.Folder, "run"), points); err != nil {
		t.Fatal(err)
	}
	if trial.Failure != nil || len(trial.Points) != points || trial.Time <= 0 {
		t.Fatalf("trial is %+v", trial)
	}
	for i, p := range trial.Points {
		if p.Step != i+1 || p.Top1.Images != 8 || p.RawTop1.Images != 8 || !(p.Activation > 0) || !(p.Loss > 0) {
			t.Errorf("point %d is %+v", i, p)
		}
	}
	averaged, err := weights.Open(trial.Averaged)
	if err != nil {
		t.Fatal(err)
	}
	defer averaged.Close()
	raw, err := weights.Open(trial.Raw)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	different := 0
	for _, a := range averaged.File().Tensors() {
		b, ok := raw.Tensor(a.Name)
		if !ok || b.Elements() != a.Elements() {
			t.Fatalf("%s is %v in one file and %v in the other", a.Name, a.Shape, b.Shape)
		}
		x, y := make([]float32, a.Elements()), make([]float32, a.Elements())
		if a.Values(x) != nil || b.Values(y) != nil {
			t.Fatal("not readable")
		}
		if fmt.Sprint(x) != fmt.Sprint(y) {
			different++
		}
	}
	if different == 0 {
		t.Error("the parameters are their averages")
	}
	diverging := &Trial{Arm: arm, Seed: 1, Recipe: trial.Recipe}
	diverging.Recipe.LearningRate.Initial, diverging.Recipe.LearningRate.WarmUp, diverging.Recipe.ClipNorm = 1e30, 0, 0
	if err := trainer.train(context.Background(), diverging, filepath.Join(c.Folder, "diverging"), points); err != nil || diverging.Failure == nil {
		t.Errorf("a training that diverges is a failed trial: %v, %v", diverging.Failure, err)
	}
	if seconds, err := trainer.secondsPerStep(context.Background(), arm); err != nil || !(seconds > 0 && seconds < 10) {
		t.Errorf("%g seconds a step, %v", seconds, err)
	}
	if left, err := filepath.Glob(filepath.Join(c.Folder, "speed-*")); err != nil || left != nil {
		t.Errorf("%q is left, %v", left, err)
	}
}

func TestRunErrors(t *testing.T) {
	backend := cpubackend.New(t)
	good := Config{Claims: Claims(), Data: "nowhere", Train: "train", Test: "test", Budget: time.Minute, Seeds: 1, Images: 1, Folder: filepath.Join(t.TempDir(), "runs")}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "precious"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"nowhere":   func(*Config) {},
		"precious":  func(c *Config) { c.Folder = full },
		"0 seeds":   func(c *Config) { c.Seeds = 0 },
		"a budget":  func(c *Config) { c.Budget = 0 },
		"0, ":       func(c *Config) { c.Claims = nil },
		"a folder,": func(c *Config) { c.Folder = "" },
	} {
		c := good
		change(&c)
		if _, err := Run(context.Background(), backend, c); err == nil || want != "0 seeds" && !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if _, err := os.Stat(good.Folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder is left: %v", err)
	}
	if _, err := ParseClaims("speed"); err == nil || !strings.Contains(err.Error(), "residual, scaling, averaging, crops") {
		t.Errorf("error is %v", err)
	}
}
