package train

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// interrupted begins a run and stops it after a step; after its last it comes to its end.
func interrupted(t *testing.T, backend compute.Backend, r recipe.Training, step int) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "run")
	result, err := Start(t.Context(), backend, folder, r, Options{Stop: step})
	if err != nil {
		t.Fatal(err)
	}
	if result.Step != step {
		t.Fatalf("the run stopped after step %d, want %d", result.Step, step)
	}
	return folder
}

// rewrite puts another recipe into the folder of a run.
func rewrite(t *testing.T, folder string, r recipe.Training) {
	t.Helper()
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rundir.Dir(folder).Recipe(), text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestResumeOtherEpochs changes how long a run lasts: it becomes, bit for bit, the run
// that was begun so.
func TestResumeOtherEpochs(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test")) // 5 steps an epoch
	r.LogEvery = 5
	for name, rate := range map[string]recipe.LearningRate{
		"constant":  {Initial: 0.05},
		"staircase": {Initial: 0.05, WarmUp: 0.5, Staircase: &recipe.Staircase{Factor: 0.5, Epochs: 0.7}},
	} {
		t.Run(name, func(t *testing.T) {
			r := r
			r.Epochs, r.LearningRate = 3, rate
			straight := filepath.Join(t.TempDir(), "run")
			if _, err := Start(t.Context(), backend, straight, r, Options{}); err != nil {
				t.Fatal(err)
			}
			want := outcomeOf(t, straight)
			for _, c := range []struct {
				epochs float64
				step   int
			}{
				{2, 10}, // finished
				{2, 7},
				{5, 12}, // fewer than it was begun with
			} {
				begun := r
				begun.Epochs = c.epochs
				folder := interrupted(t, backend, begun, c.step)
				rewrite(t, folder, r)
				last := 0
				result, err := Resume(t.Context(), backend, folder, Options{Progress: func(p Progress) { last = p.Steps }})
				if err != nil {
					t.Fatal(err)
				}
				if !result.Finished || result.Step != 15 || last != 15 {
					t.Errorf("begun with %g epochs, the run ended as %+v after %d steps, want 15", c.epochs, result, last)
				}
				compareOutcomes(t, outcomeOf(t, folder), want)
			}
		})
	}
}

// TestResumeHonours changes what the steps that are made do not depend on.
func TestResumeHonours(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	straight := filepath.Join(t.TempDir(), "run")
	if _, err := Start(t.Context(), backend, straight, r, Options{}); err != nil {
		t.Fatal(err)
	}
	parameters := func(folder string) string {
		model, err := os.ReadFile(rundir.Dir(folder).Model())
		if err != nil {
			t.Fatal(err)
		}
		return string(model)
	}
	count := func(folder string) int {
		all, err := rundir.Dir(folder).Checkpoints()
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	for name, c := range map[string]struct {
		change func(*recipe.Training)
		check  func(t *testing.T, folder string)
	}{
		"data that was moved": {func(r *recipe.Training) {
			moved := filepath.Join(t.TempDir(), "moved")
			if err := os.CopyFS(moved, os.DirFS(r.Data)); err != nil {
				t.Fatal(err)
			}
			r.Data = moved
		}, nil},
		"recompute":      {func(r *recipe.Training) { r.Recompute = true }, nil},
		"max_unreadable": {func(r *recipe.Training) { r.MaxUnreadable = new(0.5) }, nil},
		"log_every": {func(r *recipe.Training) { r.LogEvery = 1 }, func(t *testing.T, folder string) {
			compareMetrics(t, folder, 1+7, 2) // one row of three steps, then one of each
		}},
		"save_every and keep": {func(r *recipe.Training) { r.SaveEvery, r.Keep = time.Nanosecond, 5 }, func(t *testing.T, folder string) {
			if n := count(folder); n != 5 {
				t.Errorf("%d checkpoints are kept, want 5", n)
			}
		}},
		"a default written out": {func(r *recipe.Training) { r.MicroBatches = 1 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			folder := interrupted(t, backend, r, 3)
			changed := r
			c.change(&changed)
			rewrite(t, folder, changed)
			result, err := Resume(t.Context(), backend, folder, Options{})
			if err != nil || !result.Finished {
				t.Fatalf("resumed as %+v: %v", result, err)
			}
			if parameters(folder) != parameters(straight) {
				t.Error("the parameters differ from those of a run without the change")
			}
			if c.check != nil {
				c.check(t, folder)
			}
		})
	}
}

// TestResumeRefuses changes what the steps that are made depend on: nothing is computed,
// and nothing written.
func TestResumeRefuses(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test", "other"))
	r.LearningRate = recipe.LearningRate{Initial: 0.05}
	cosine := r
	cosine.LearningRate.Cosine = true
	const made = 7
	folder, ofCosine := interrupted(t, backend, r, made), interrupted(t, backend, cosine, made)
	for name, c := range map[string]struct {
		change func(*recipe.Training)
		want   []string
	}{
		"batch":            {func(r *recipe.Training) { r.Batch = 10 }, []string{"batch 6, found 10"}},
		"micro_batches":    {func(r *recipe.Training) { r.MicroBatches = 3 }, []string{"micro_batches 1, found 3"}},
		"seed":             {func(r *recipe.Training) { r.Seed = 8 }, []string{"seed 7, found 8"}},
		"learning rate":    {func(r *recipe.Training) { r.LearningRate.Initial = 0.01 }, []string{"learning_rate.initial 0.05, found 0.01"}},
		"warm-up":          {func(r *recipe.Training) { r.LearningRate.WarmUp = 1 }, []string{"learning_rate.warm_up nothing, found 1"}},
		"another schedule": {func(r *recipe.Training) { r.LearningRate.Cosine = true }, []string{"learning_rate.cosine nothing, found true"}},
		"optimiser":        {func(r *recipe.Training) { r.Optimizer.RMSProp = &recipe.RMSProp{Decay: 0.9, Momentum: 0.5, Epsilon: 1} }, []string{"optimizer.rmsprop.momentum 0.9, found 0.5"}},
		"several": {func(r *recipe.Training) {
			r.ClipNorm, r.WeightDecay, r.LabelSmoothing, r.AverageDecay = 3, 1e-4, 0.2, 0.8
		},
			[]string{"clip_norm 2, found 3", "weight_decay 4e-05, found 0.0001", "label_smoothing 0.1, found 0.2", "average_decay 0.9, found 0.8"}},
		"network's own": {func(r *recipe.Training) { r.DropoutKeep, r.BatchNormDecay = 0.5, 0.9 }, []string{"dropout_keep nothing, found 0.5", "batch_norm_decay 0.8, found 0.9"}},
		"distortion":    {func(r *recipe.Training) { r.Distortion = recipe.NoDistortion }, []string{"distortion shift, found none"}},
		"evaluation":    {func(r *recipe.Training) { r.Crop, r.Interpolation, r.Alpha = 0.875, vision.Bicubic, vision.AlphaDrop }, []string{"alpha nothing, found drop", "crop 1, found 0.875", "interpolation bilinear, found bicubic"}},
		"size":          {func(r *recipe.Training) { r.Size = 107 }, []string{"size 75, found 107"}},
		"split":         {func(r *recipe.Training) { r.Split = "other" }, []string{"other names or labels to train on"}},
		"validation":    {func(r *recipe.Training) { r.Validation.Split = "other" }, []string{"other names or labels to validate on"}},
		"share": {func(r *recipe.Training) { r.Validation = recipe.Validation{Share: 0.5} },
			[]string{"30 images to train on, found 18"}},
		"epochs that are over": {func(r *recipe.Training) { r.Epochs = 1 }, []string{"epochs 1, which are 5 steps", "more than the 7"}},
		"epochs just over":     {func(r *recipe.Training) { r.Epochs = 1.4 }, []string{"epochs 1.4, which are 7 steps", "more than the 7"}},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, backend, folder, r, c.change, c.want) })
	}
	for name, epochs := range map[string]float64{"more": 4, "fewer": 1.8, "over": 1} {
		t.Run("cosine, epochs "+name, func(t *testing.T) {
			refuses(t, backend, ofCosine, cosine, func(r *recipe.Training) { r.Epochs = epochs }, []string{"epochs 2, at whose end the cosine", "found "})
		})
	}
}

func refuses(t *testing.T, backend compute.Backend, folder string, r recipe.Training, change func(*recipe.Training), want []string) {
	t.Helper()
	before := outcomeOf(t, folder)
	change(&r)
	rewrite(t, folder, r)
	_, err := Resume(t.Context(), backend, folder, Options{Progress: func(Progress) { t.Error("a step was made") }})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q should contain %q", err, part)
		}
	}
	compareOutcomes(t, outcomeOf(t, folder), before)
}

// TestResumeOldCheckpoint resumes from a checkpoint that does not hold its recipe.
func TestResumeOldCheckpoint(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	folder := interrupted(t, backend, r, 7)
	forgetRecipe(t, folder)
	r.Epochs = 1
	refuses(t, backend, folder, r, func(*recipe.Training) {}, []string{"epochs 1, which are 5 steps"})
	r.Epochs = 2
	rewrite(t, folder, r)
	var text bytes.Buffer
	result, err := Resume(t.Context(), backend, folder, Options{Log: slog.New(slog.NewTextHandler(&text, nil))})
	if err != nil || !result.Finished {
		t.Errorf("resumed as %+v: %v", result, err)
	}
	if !strings.Contains(text.String(), "does not hold the recipe") {
		t.Errorf("the log should say that the checkpoint has no recipe:\n%s", text.String())
	}
}

// forgetRecipe rewrites the last checkpoint as an older version of the program did.
func forgetRecipe(t *testing.T, folder string) {
	t.Helper()
	path, err := rundir.Dir(folder).LastCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	metadata := file.Metadata()
	at := strings.Index(metadata[stateKey], `,"validation":`)
	if at < 0 || !strings.Contains(metadata[stateKey][at:], `"recipe":`) {
		t.Fatalf("the state has no recipe: %s", metadata[stateKey])
	}
	metadata[stateKey] = metadata[stateKey][:at] + "}"
	var outputs []tensorfile.Tensor
	for _, x := range file.Tensors() {
		outputs = append(outputs, tensorfile.Tensor{Name: x.Name, Shape: x.Shape, Values: x.Float32s})
	}
	if err := safetensors.Write(path, metadata, outputs); err != nil {
		t.Fatal(err)
	}
}
