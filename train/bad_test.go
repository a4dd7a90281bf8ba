package train

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

// TestBadInput lists what is refused before the first step, and leaves no run behind.
func TestBadInput(t *testing.T) {
	backend := cpubackend.New(t)
	set := writeSet(t, 3, 6, "train", "test")
	for name, c := range map[string]struct {
		change func(*recipe.Training)
		data   func(root string) // what is changed of a set of its own
		want   []string
	}{
		"no data":             {func(r *recipe.Training) { r.Data = "" }, nil, []string{"path of a data set"}},
		"no such folder":      {func(r *recipe.Training) { r.Data += "x" }, nil, []string{set + "x"}},
		"no such split":       {func(r *recipe.Training) { r.Validation.Split = "dev" }, nil, []string{`"dev"`, "test, train"}},
		"batch above set":     {func(r *recipe.Training) { r.Batch = 20 }, nil, []string{"20 images", "18"}},
		"small images":        {func(r *recipe.Training) { r.Size = 50 }, nil, []string{"75x75", "50x50"}},
		"unknown network":     {func(r *recipe.Training) { r.Network = "inception_v5" }, nil, []string{"inception_v5", "inception_v4"}},
		"recipe out of range": {func(r *recipe.Training) { r.LearningRate.Initial = -1 }, nil, []string{"learning_rate", "-1"}},
		"no such weights":     {func(r *recipe.Training) { r.Weights = "none.safetensors" }, nil, []string{"none.safetensors"}},
		"empty class": {nil, func(root string) {
			mustMake(t, filepath.Join(root, "train", "empty"))
			mustMake(t, filepath.Join(root, "test", "empty"))
		}, []string{"train/empty is empty"}},
		"one class": {nil, func(root string) {
			for _, split := range []string{"train", "test"} {
				mustRemove(t, filepath.Join(root, split, "class1"))
				mustRemove(t, filepath.Join(root, split, "class2"))
			}
		}, []string{"two classes", "class0"}},
		"class of the validation alone": {nil, func(root string) {
			mustRemove(t, filepath.Join(root, "train", "class2"))
		}, []string{"class2"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := smallRecipe(set)
			if c.data != nil {
				r.Data = writeSet(t, 3, 6, "train", "test")
				c.data(r.Data)
			}
			if c.change != nil {
				c.change(&r)
			}
			folder := filepath.Join(t.TempDir(), "run")
			_, err := Start(t.Context(), backend, folder, r, Options{Progress: func(Progress) { t.Error("a step was made") }})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q should contain %q", err, want)
				}
			}
			if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a folder is left: %v", err)
			}
		})
	}
}

func mustMake(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
}

func mustRemove(t *testing.T, folder string) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
}

func TestBadResume(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 3, 4, "train", "test"))
	r.Epochs = 1
	begin := func(t *testing.T) string {
		t.Helper()
		folder := filepath.Join(t.TempDir(), "run")
		if _, err := Start(t.Context(), backend, folder, r, Options{}); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	change := func(t *testing.T, folder string, change func(*recipe.Training)) {
		t.Helper()
		changed := r
		change(&changed)
		text, err := changed.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(rundir.Dir(folder).Recipe(), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, folder string)
		want  []string
	}{
		"another network": {func(t *testing.T, folder string) {
			change(t, folder, func(r *recipe.Training) { r.Network = "inception_resnet_v2" })
		}, []string{"step-000000002.safetensors", "is not of this network", "InceptionResnetV2"}},
		"another width": {func(t *testing.T, folder string) {
			change(t, folder, func(r *recipe.Training) { r.Width = 0.1 })
		}, []string{"is not of this network", "expected ["}},
		"other classes": {func(t *testing.T, folder string) {
			change(t, folder, func(r *recipe.Training) { r.Data = writeSet(t, 2, 6, "train", "test") })
		}, []string{"is not of this network", "Logits"}},
		"other images": {func(t *testing.T, folder string) {
			change(t, folder, func(r *recipe.Training) { r.Data = writeSet(t, 3, 5, "train", "test") })
		}, []string{"12 images", "found 15"}},
		"another optimiser": {func(t *testing.T, folder string) {
			change(t, folder, func(r *recipe.Training) { r.Optimizer = recipe.Optimizer{SGD: &recipe.SGD{}} })
		}, []string{"it also has mean_square/"}},
		"weights for a checkpoint": {func(t *testing.T, folder string) {
			if err := os.Rename(rundir.Dir(folder).Model(), rundir.Dir(folder).Checkpoint(9)); err != nil {
				t.Fatal(err)
			}
		}, []string{"expected a checkpoint of a training", "step-000000009"}},
		"damaged checkpoint": {func(t *testing.T, folder string) {
			if err := os.Truncate(rundir.Dir(folder).Checkpoint(2), 5000); err != nil {
				t.Fatal(err)
			}
		}, []string{"step-000000002"}},
		"damaged recipe": {func(t *testing.T, folder string) {
			if err := os.WriteFile(rundir.Dir(folder).Recipe(), []byte("bach: 3\n"), 0o666); err != nil {
				t.Fatal(err)
			}
		}, []string{"recipe.yaml", "line 1", "bach"}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := begin(t)
			c.spoil(t, folder)
			_, err := Resume(t.Context(), backend, folder, Options{})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q should contain %q", err, want)
				}
			}
		})
	}
	t.Run("no run", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "none")
		if _, err := Resume(t.Context(), backend, folder, Options{}); err == nil || !strings.Contains(err.Error(), "no run to resume") {
			t.Errorf("error %v should say that there is no run", err)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Error("a folder was made")
		}
	})
	t.Run("begun twice", func(t *testing.T) {
		folder := begin(t)
		before := outcomeOf(t, folder)
		if _, err := Start(t.Context(), backend, folder, r, Options{}); err == nil || !strings.Contains(err.Error(), "has a run already") {
			t.Errorf("error %v should say that there is a run", err)
		}
		compareOutcomes(t, outcomeOf(t, folder), before)
	})
}

// TestLock lets a second run into the folder of a first that trains.
func TestLock(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 6, "train", "test"))
	r.Epochs = 1
	folder := filepath.Join(t.TempDir(), "run")
	tried := false
	_, err := Start(t.Context(), backend, folder, r, Options{Progress: func(Progress) {
		tried = true
		for _, second := range []func() error{
			func() error { _, err := Start(t.Context(), backend, folder, r, Options{}); return err },
			func() error { _, err := Resume(t.Context(), backend, folder, Options{}); return err },
		} {
			if err := second(); err == nil || !strings.Contains(err.Error(), "another process trains in") {
				t.Errorf("error %v should say that another process trains there", err)
			}
		}
	}})
	if err != nil || !tried {
		t.Errorf("the first run: %v; the second was tried: %v", err, tried)
	}
}

// TestDivergence raises the learning rate until the loss is no number.
func TestDivergence(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 6, "train", "test"))
	r.Epochs, r.ClipNorm, r.LearningRate = 20, 0, recipe.LearningRate{Initial: 1e30}
	r.Optimizer = recipe.Optimizer{SGD: &recipe.SGD{Momentum: 0.9}}
	r.SaveEvery = 1
	folder := filepath.Join(t.TempDir(), "run")
	last := 0
	_, err := Start(t.Context(), backend, folder, r, Options{Progress: func(p Progress) { last = p.Step }, CheckGradients: true})
	var diverged *DivergedError
	if !errors.As(err, &diverged) {
		t.Fatalf("the error is %v, want a DivergedError", err)
	}
	const first = "InceptionResnetV1/Conv2d_1a_3x3/weights"
	checkpoint := rundir.Dir(folder).Checkpoint(last)
	if diverged.Step != last+1 || finite(diverged.Loss) && finite(diverged.GradientNorm) || diverged.Parameter != first || diverged.Checkpoint != checkpoint {
		t.Errorf("after step %d the error is %+v", last, diverged)
	}
	if found, err := rundir.Dir(folder).LastCheckpoint(); err != nil || found != checkpoint {
		t.Errorf("the last checkpoint is %s, %v, want %s", found, err, checkpoint)
	}
	for _, want := range []string{"step " + string(rune('0'+last+1)), "loss", "the first of them that of " + first, "the last good checkpoint is " + checkpoint} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q should contain %q", err, want)
		}
	}
}

// TestUnreadableImages damages images: few are named and skipped, many stop the run.
func TestUnreadableImages(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 10, "train", "test"))
	damaged := filepath.Join(r.Data, "train", "class1", "004.png")
	if err := os.WriteFile(damaged, []byte("not a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))

	_, err := Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, Options{Log: log})
	var unreadable *dataset.UnreadableError
	if !errors.As(err, &unreadable) || unreadable.Images[0].Name != "train/class1/004.png" {
		t.Errorf("with the usual limit, error %v should name the image", err)
	}

	text.Reset()
	r.MaxUnreadable = new(0.1)
	result, err := Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if !result.Finished || result.Unreadable != 1 {
		t.Errorf("the run ended as %+v, want 1 unreadable image", result)
	}
	if got := text.String(); strings.Count(got, "train/class1/004.png") != 1 {
		t.Errorf("the log should name the image once:\n%s", got)
	}
}

// TestNoRoom takes the folder of the checkpoints away, as a disk does that is full.
func TestNoRoom(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 12, "train", "test"))
	folder := filepath.Join(t.TempDir(), "run")
	aside := filepath.Join(t.TempDir(), "aside")
	_, err := Start(t.Context(), backend, folder, r, Options{Progress: func(p Progress) {
		if p.Step == 7 { // after the checkpoint of the first epoch
			if err := os.Rename(filepath.Dir(rundir.Dir(folder).Checkpoint(0)), aside); err != nil {
				t.Error(err)
			}
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "step 8 could not be saved, so that training stops") {
		t.Errorf("error %v should say that step 8 could not be saved", err)
	}
	if err := os.Rename(aside, filepath.Dir(rundir.Dir(folder).Checkpoint(0))); err != nil {
		t.Fatal(err)
	}
	result, err := Resume(t.Context(), backend, folder, Options{})
	if err != nil || !result.Finished {
		t.Errorf("resumed: %+v, %v", result, err)
	}
}

// TestUnreadableAltogether has one unreadable image, in the smaller part, under a limit
// that is for all images together; and with none allowed, expects the steps before the
// validation that failed to be saved.
func TestUnreadableAltogether(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 10, "train", "test"))
	damaged := filepath.Join(r.Data, "test", "class1", "004.png")
	if err := os.WriteFile(damaged, []byte("not a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	r.MaxUnreadable = new(1.0 / 40)
	result, err := Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, Options{})
	if err != nil || !result.Finished || result.Unreadable != 1 {
		t.Errorf("1 of 40: %+v, %v", result, err)
	}

	r.MaxUnreadable = new(0.0)
	folder := filepath.Join(t.TempDir(), "run")
	_, err = Start(t.Context(), backend, folder, r, Options{})
	wanted.Error(t, err, "validation after step", "004.png", "max_unreadable", "at most 0 of the 40", "resume the run")
	last, err := rundir.Dir(folder).LastCheckpoint()
	if err != nil || last == "" {
		t.Fatalf("no checkpoint: %v", err)
	}
	if _, err := os.Stat(rundir.Dir(folder).Model()); err != nil {
		t.Error(err)
	}
	r.MaxUnreadable = new(0.5)
	text, err := r.Resolved().Encode()
	if err == nil {
		err = os.WriteFile(rundir.Dir(folder).Recipe(), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	result, err = Resume(t.Context(), backend, folder, Options{})
	if err != nil || !result.Finished {
		t.Errorf("resumed: %+v, %v", result, err)
	}
}
