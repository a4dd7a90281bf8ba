package reproduce

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/recipe"
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

// tinyArm is a network whose steps take milliseconds.
func tinyArm(network string) *Arm {
	return &Arm{Name: network, Key: network, Network: network, Width: 0.05, Blocks: []int{1, 1, 1}}
}

// tinyTrainer has a plan with an account that has room for everything.
func tinyTrainer(t *testing.T, backend compute.Backend, c Config) (*trainer, *account) {
	t.Helper()
	test, err := dataset.Open(t.Context(), c.Data, dataset.Options{Split: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { test.Close() })
	a := &account{Budget: time.Hour, Precision: single, since: time.Now()}
	return &trainer{backend: backend, c: c, test: test, plan: &plan{}, images: 138, classes: 2}, a
}

// TestTrial trains a trial in its parts, which are as many points of rising steps, and
// leaves averaged weights and others that differ from them in values alone.
func TestTrial(t *testing.T) {
	backend := cpubackend.New(t)
	c := Config{Data: colours(t, 70), Train: "train", Test: "test", Images: 8, Folder: t.TempDir()}
	trainer, a := tinyTrainer(t, backend, c)
	arm := tinyArm("inception_resnet_v1")
	trialOf := func(name string, change func(*recipe.Training)) *Trial {
		trial := &Trial{Arm: arm, Seed: 1, Steps: points, points: points, folder: name, recipe: arm.ofPaper(c, 1)}
		change(&trial.recipe)
		if err := trainer.trial(t.Context(), a, trial); err != nil {
			t.Fatal(err)
		}
		return trial
	}
	trial := trialOf("good", func(*recipe.Training) {})
	if trial.Failure != "" || len(trial.Points) != points || trial.Time <= 0 || len(trial.Curve) != points {
		t.Fatalf("trial is %+v", trial)
	}
	for i, p := range trial.Points {
		if s := trial.Curve[i]; p.Step != i+1 || p.Top1.Images != 8 || p.RawTop1.Images != 8 || !(p.Activation > 0) || !(s.Loss > 0) || !(s.GradientNorm > 0) {
			t.Errorf("point %d is %+v, %+v", i, p, s)
		}
	}
	averaged, err := weights.Open(trial.run().Model())
	if err != nil {
		t.Fatal(err)
	}
	defer averaged.Close()
	raw, err := weights.Open(trial.run().Raw())
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
	diverging := trialOf("diverging", func(r *recipe.Training) { r.LearningRate.Initial = 1e30 })
	if diverging.Failure == "" || !diverging.Died() || diverging.Learned(2) {
		t.Errorf("a training that diverges is a failed trial: %+v", diverging)
	}
	if s, err := trainer.speed(t.Context(), arm.ofPaper(c, 1)); err != nil || !(s.Step > 0 && s.Part > 0 && s.Part < time.Minute) {
		t.Errorf("the speed is %+v, %v", s, err)
	}
	if left, err := filepath.Glob(filepath.Join(c.Folder, "speed-*")); err != nil || left != nil {
		t.Errorf("%q is left, %v", left, err)
	}
}

// tinyStages are all stages with small networks, few sizes and no budget to speak of.
func tinyStages() []stage {
	all := stages()
	all[0].run = func(t *trainer, ctx context.Context, a *account) error {
		a.Steps = points
		return t.networksOf(ctx, a, []*Arm{tinyArm("inception_v4"), tinyArm("inception_resnet_v1")})
	}
	all[2].run = func(t *trainer, ctx context.Context, a *account) error {
		a.Steps = 4
		return t.depthOf(ctx, a, []family{{[]int{1, 1, 1}, 0.05}}, []float64{1, 0.1}, 1)
	}
	return all
}

// interrupter cancels when a message is logged for the nth time.
type interrupter struct {
	slog.Handler
	left   *int
	cancel func()
}

func (i interrupter) Enabled(context.Context, slog.Level) bool { return true }
func (i interrupter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "measured" {
		if *i.left--; *i.left == 0 {
			i.cancel()
		}
	}
	return nil
}

// TestRunGoesOn interrupts a reproduction of all claims, goes on with it, and does it once
// more, when nothing is left to do: the findings are those of one that was not interrupted.
func TestRunGoesOn(t *testing.T) {
	backend := cpubackend.New(t)
	c := Config{
		Claims: Claims(), Data: colours(t, 40), Train: "train", Test: "test", Precision: single, Budget: time.Hour,
		Seeds: 1, Images: 8, Folder: filepath.Join(t.TempDir(), "straight"),
	}
	straight, err := run(t.Context(), backend, c, tinyStages())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range straight.Findings {
		if len(f.Comparisons) == 0 || len(f.Missing) > 0 || strings.HasPrefix(f.Verdict(), "Not run") {
			t.Errorf("%v: %+v, missing %q", f.Claim, f.Comparisons, f.Missing)
		}
	}
	if err := straight.WriteReport(c.Folder); err != nil {
		t.Fatal(err)
	}
	recipes, err := filepath.Glob(filepath.Join(c.Folder, "depth", "*", recipeName))
	if err != nil || len(recipes) < 5 {
		t.Fatalf("recipes are %q, %v", recipes, err)
	}
	if text, err := os.ReadFile(recipes[0]); err != nil || !strings.Contains(string(text), "# Command:") {
		t.Errorf("a recipe is %s, %v", text, err)
	} else if r, err := recipe.ParseTraining(text); err != nil || r.Check() != nil || math.Ceil(r.Epochs*78/batchSize) != 4 {
		t.Errorf("a recipe is %+v, %v", r, err)
	}

	c.Folder = filepath.Join(t.TempDir(), "interrupted")
	for _, after := range []int{3, points + 2} {
		ctx, cancel := context.WithCancel(t.Context())
		c.Log = slog.New(interrupter{left: &after, cancel: cancel})
		if _, err := run(ctx, backend, c, tinyStages()); !errors.Is(err, context.Canceled) {
			t.Fatalf("the error is %v", err)
		}
		cancel()
	}
	c.Log = nil
	resumed, err := run(t.Context(), backend, c, tinyStages())
	if err != nil {
		t.Fatal(err)
	}
	measured := 0
	c.Log = slog.New(interrupter{left: &measured, cancel: func() {}})
	again, err := run(t.Context(), backend, c, tinyStages())
	if err != nil || measured != 0 {
		t.Fatalf("%d points were measured again, %v", -measured, err)
	}
	for i, f := range straight.Findings {
		for _, other := range []*Result{resumed, again} {
			if got := other.Findings[i]; !reflect.DeepEqual(got.Comparisons, f.Comparisons) {
				t.Errorf("%v: %+v, want %+v", f.Claim, got.Comparisons, f.Comparisons)
			}
		}
	}

	c.Seeds = 2
	if _, err := run(t.Context(), backend, c, tinyStages()); err == nil || !strings.Contains(err.Error(), "begun with --seeds 1, found 2") {
		t.Errorf("the error is %v", err)
	}
}

// TestCropsOfMore evaluates crops of one seed, and then of two, as after a larger budget.
func TestCropsOfMore(t *testing.T) {
	c := Config{Data: colours(t, 40), Train: "train", Test: "test", Images: 8, Folder: t.TempDir(), Seeds: 2}
	trainer, a := tinyTrainer(t, cpubackend.New(t), c)
	few, err := dataset.Open(t.Context(), colours(t, 2), dataset.Options{Split: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer few.Close()
	trainer.test = few
	arm := tinyArm("inception_resnet_v1")
	for seed := range uint64(2) {
		trial := &Trial{Arm: arm, Seed: seed + 1, Steps: 1, points: 1, folder: fmt.Sprint(seed), recipe: arm.ofPaper(c, seed+1)}
		if err := trainer.trial(t.Context(), a, trial); err != nil {
			t.Fatal(err)
		}
		trainer.pairs, trainer.crop = append(trainer.pairs, trial), nil
		if err := trainer.crops(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		for _, e := range trainer.crop {
			if len(e.Members) != len(trainer.pairs) {
				t.Errorf("%d networks were trained, and the crops are of %d: %q", len(trainer.pairs), len(e.Members), e.Name)
			}
		}
	}
}

// TestSpent has a budget into which nothing fits: no claim is run, and all say why.
func TestSpent(t *testing.T) {
	backend := cpubackend.New(t)
	c := Config{
		Claims: Claims(), Data: colours(t, 40), Train: "train", Test: "test", Budget: time.Millisecond,
		Seeds: 1, Images: 8, Folder: filepath.Join(t.TempDir(), "run"),
	}
	r, err := Run(t.Context(), backend, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if v := f.Verdict(); !strings.HasPrefix(v, "Not run: ") || !strings.Contains(v, "of its budget") {
			t.Errorf("%v: %s", f.Claim, v)
		}
	}
	if err := r.WriteReport(c.Folder); err != nil {
		t.Fatal(err)
	}
}

// TestBracket finds where something that holds below a number changes.
func TestBracket(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ below, low, high float64 }{
		{3, 2, 4}, {0.5, 0, 2}, {-1, -2, 0}, {-3.5, -4, -2}, {5.5, 4, 6}, {7, 6, inf}, {-6, -inf, -6}, {-9, -inf, -6},
	} {
		var asked []float64
		low, high, err := bracket(func(at float64) (bool, error) {
			if slices.Contains(asked, at) {
				t.Errorf("%g is asked twice", at)
			}
			asked = append(asked, at)
			return at < c.below, nil
		}, 2, 6)
		if err != nil || low != c.low || high != c.high {
			t.Errorf("holds below %g: %g to %g, %v, want %g to %g", c.below, low, high, err, c.low, c.high)
		}
	}
	broken := errors.New("broken")
	if _, _, err := bracket(func(at float64) (bool, error) { return true, broken }, 2, 6); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}

func TestEnsembles(t *testing.T) {
	all := ensembles(trials(0.3, 0.4, 0.3, 0.4))
	var names []string
	for _, e := range all {
		names = append(names, fmt.Sprintf("%s of %d", e.name, len(e.trials)))
	}
	if want := []string{"2 first of 2", "2 second of 2", "1 first and 2 second of 3"}; !slices.Equal(names, want) {
		t.Errorf("ensembles are %q, want %q", names, want)
	}
	if got := ensembles(nil); len(got) != 0 {
		t.Errorf("ensembles of nothing are %v", got)
	}
}

func TestRunErrors(t *testing.T) {
	backend := cpubackend.New(t)
	good := Config{Claims: Claims(), Data: "nowhere", Train: "train", Test: "test", Budget: time.Minute, Seeds: 1, Images: 1, Folder: filepath.Join(t.TempDir(), "runs")}
	full, broken := t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(full, "precious"), filepath.Join(broken, planName)} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for want, change := range map[string]func(*Config){
		"nowhere":   func(*Config) {},
		"precious":  func(c *Config) { c.Folder = full },
		planName:    func(c *Config) { c.Folder = broken },
		", 0, 1":    func(c *Config) { c.Seeds = 0 },
		"a budget":  func(c *Config) { c.Budget = -1 },
		"0, ":       func(c *Config) { c.Claims = nil },
		"a folder,": func(c *Config) { c.Folder = "" },
	} {
		c := good
		change(&c)
		if _, err := Run(context.Background(), backend, c); err == nil || !strings.Contains(err.Error(), want) {
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
