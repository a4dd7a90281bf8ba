package recipe

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRecipes(t *testing.T) {
	names := TrainingNames()
	if got := strings.Join(names, " "); got != "cifar10-narrow deep-unscaled demo finetune-photos paper-imagenet" {
		t.Errorf("the recipes are %s", got)
	}
	for _, name := range names {
		r, err := FindTraining(name)
		if err != nil {
			t.Fatal(err)
		}
		if r.Network == "" {
			r.Weights = "some.safetensors" // what the command gives
		}
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, _ := recipes.ReadFile("recipes/" + name + ".yaml")
		for _, part := range []string{"# Command:  inception ", "# Hardware: ", "# Expected: "} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s should say %q at its head", name, part)
			}
		}
	}
	if _, err := FindTraining("cifar100"); err == nil || !strings.Contains(err.Error(), "paper-imagenet") {
		t.Errorf("error %v should list the known names", err)
	}
}

// The paper's figures, section 4.
func TestPaperImageNet(t *testing.T) {
	r, err := FindTraining("paper-imagenet")
	if err != nil {
		t.Fatal(err)
	}
	if r.MicroBatches != 20 || r.Batch/r.MicroBatches != 32 || r.LearningRate.Initial != 0.045 || *r.LearningRate.Staircase != (Staircase{0.94, 2}) ||
		*r.Optimizer.RMSProp != (RMSProp{0.9, 0.9, 1}) || r.Distortion != FullDistortion {
		t.Errorf("the recipe is %+v", r)
	}
}

func TestEncode(t *testing.T) {
	for _, name := range TrainingNames() {
		want, err := FindTraining(name)
		if err != nil {
			t.Fatal(err)
		}
		want.Data, want.Freeze, want.SaveEvery = "a: path\n", []string{"A/b", "A/c"}, 90*time.Second
		want.ResidualScales, want.LearningRate.Initial = []float64{0.1, 0.2, 0.3}, 1e-7
		text, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseTraining(text)
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s comes back as\n%+v, want\n%+v", name, got, want)
		}
	}
}

func TestParseTrainingRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "it is empty",
		"size: 75\nbach: 32\n":     "line 2: field bach",
		"size: large\n":            "line 1",
		"distortion: blur\n":       "none, full, fast, shift",
		"save_every: 5 lightyears": "time.Duration",
		"[":                        "YAML",
	} {
		if _, err := ParseTraining([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v should contain %q", text, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for want, change := range map[string]func(*Training){
		"network should":         func(r *Training) { r.Network = "" },
		"size should":            func(r *Training) { r.Size = 0 },
		"crop should":            func(r *Training) { r.Crop = 1.5 },
		"found both":             func(r *Training) { r.Validation.Share = 0.1 },
		"name a split":           func(r *Training) { r.Validation = Validation{} },
		"another split":          func(r *Training) { r.Validation.Split = r.Split },
		"epochs should":          func(r *Training) { r.Epochs = 0 },
		"batch should":           func(r *Training) { r.Batch = 1 },
		"micro_batches should":   func(r *Training) { r.MicroBatches = 3 },
		"parts of at least 2":    func(r *Training) { r.MicroBatches = r.Batch },
		"one of rmsprop and sgd": func(r *Training) { r.Optimizer = Optimizer{} },
		"epsilon above 0":        func(r *Training) { r.Optimizer = Optimizer{RMSProp: &RMSProp{Decay: 0.9}} },
		"momentum in [0,1)":      func(r *Training) { r.Optimizer = Optimizer{SGD: &SGD{Momentum: 1}} },
		"learning_rate should":   func(r *Training) { r.LearningRate.Initial = 0 },
		"as a staircase or":      func(r *Training) { r.LearningRate.Staircase, r.LearningRate.Cosine = &Staircase{0.9, 1}, true },
		"staircase should":       func(r *Training) { r.LearningRate = LearningRate{Initial: 1, Staircase: &Staircase{0, 1}} },
		"clip_norm, weight":      func(r *Training) { r.ClipNorm = -1 },
		"label_smoothing should": func(r *Training) { r.LabelSmoothing = 1 },
		"average_decay should":   func(r *Training) { r.AverageDecay = -0.1 },
		"max_unreadable should":  func(r *Training) { r.MaxUnreadable = new(2.0) },
		"log_every, save_every":  func(r *Training) { r.Keep = -1 },
		"batch_norm should be":   func(r *Training) { r.BatchNorm = "sync" },
		"freeze keeps":           func(r *Training) { r.Freeze = []string{"A"} },
	} {
		r, err := FindTraining("cifar10-narrow")
		if err != nil {
			t.Fatal(err)
		}
		change(&r)
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v should contain %q", err, want)
		}
	}
}
