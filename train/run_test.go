package train

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestStartLearns trains to the end and lets package predict use what comes of it.
func TestStartLearns(t *testing.T) {
	backend := newBackend(t)
	r := smallRecipe(writeSet(t, 3, 20, "train", "test"))
	r.Epochs = 6
	folder := filepath.Join(t.TempDir(), "run")
	var steps []Progress
	result, err := Start(t.Context(), backend, folder, r, Options{Progress: func(p Progress) { steps = append(steps, p) }})
	if err != nil {
		t.Fatal(err)
	}
	if !result.Finished || result.Step != 60 || len(steps) != 60 || result.Last.Step != 60 || result.Last.Images != 60 {
		t.Errorf("the run ended as %+v after %d steps, want 60 and a validation of 60 images", result, len(steps))
	}
	if result.Last.Top1 < 0.9 {
		t.Errorf("top-1 is %g, want more than 0.9", result.Last.Top1)
	}
	if last := steps[59]; last.Step != 60 || last.Steps != 60 || last.Epoch != 6 || !(last.Waiting >= 0 && last.Waiting <= 1) || !(last.ImagesPerSecond > 0) {
		t.Errorf("the last progress is %+v", last)
	}
	compareMetrics(t, folder, 60/3, 6)

	c, err := predict.Open(t.Context(), backend, predict.Config{Weights: rundir.Dir(folder).Model()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if want := (vision.Preprocessing{Size: 75, Crop: 1, Interpolation: vision.Bilinear, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}}); c.Preprocessing() != want {
		t.Errorf("the model is prepared for as %+v, want %+v", c.Preprocessing(), want)
	}
	right := 0
	for class := range 3 {
		for i := range 20 {
			photo, err := vision.Open(filepath.Join(r.Data, "test", fmt.Sprintf("class%d", class), fmt.Sprintf("%03d.png", i)), vision.DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			results, err := c.Predict(t.Context(), photo)
			if err != nil {
				t.Fatal(err)
			}
			if results[0].Top(1)[0].Label == fmt.Sprintf("class%d", class) {
				right++
			}
		}
	}
	if want := int(math.Round(60 * result.Last.Top1)); right != want {
		t.Errorf("predict is right in %d images, validation in %d", right, want)
	}
}

// compareMetrics checks that metrics.csv has so many rows of training and of validation.
func compareMetrics(t *testing.T, folder string, training, validations int) {
	t.Helper()
	text, err := os.ReadFile(rundir.Dir(folder).Metrics())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := [2]int{}
	for _, row := range rows[1:] {
		if row[2] != "" {
			found[0]++
		} else {
			found[1]++
		}
	}
	if found != [2]int{training, validations} {
		t.Errorf("metrics.csv has %d rows of training and %d of validation, want %d and %d:\n%s", found[0], found[1], training, validations, text)
	}
}

// metricsKey names the metrics in an outcome.
const metricsKey = "metrics"

// outcomeOf returns all of a run that must not depend on interruptions.
func outcomeOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	dir, files := rundir.Dir(folder), map[string]string{}
	last, err := dir.LastCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir.Model(), dir.Best(), last} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(data)
	}
	// The metrics without the columns of time.
	text, err := os.ReadFile(dir.Metrics())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, row := range rows {
		kept = append(kept, strings.Join(slices.Concat(row[:7], row[9:]), ","))
	}
	files[metricsKey] = strings.Join(kept, "\n")
	return files
}

func compareOutcomes(t *testing.T, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for name, data := range want {
		if got[name] != data {
			t.Errorf("%s differs from that of the other run", name)
			if name == metricsKey {
				t.Logf("found:\n%s\nwant:\n%s", got[name], data)
			}
		}
	}
}

// TestResumeIsExact interrupts a run after given steps, among them the end of an epoch.
func TestResumeIsExact(t *testing.T) {
	backend := newBackend(t)
	for _, c := range []struct {
		name   string
		change func(*recipe.Training)
	}{
		{"plain", func(*recipe.Training) {}},
		{"micro-batches", func(r *recipe.Training) { r.MicroBatches, r.Batch = 2, 8 }},
		{"sgd, held out", func(r *recipe.Training) {
			r.Optimizer = recipe.Optimizer{SGD: &recipe.SGD{Momentum: 0.9}}
			r.Validation = recipe.Validation{Share: 0.3}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
			c.change(&r)
			straight := filepath.Join(t.TempDir(), "run")
			if _, err := Start(t.Context(), backend, straight, r, Options{}); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(t.TempDir(), "run")
			interruptions := 0
			for begin := true; ; begin = false {
				ctx, cancel := context.WithCancel(t.Context())
				o := Options{Progress: func(p Progress) {
					if slices.Contains([]int{1, 4, 5}, p.Step) {
						cancel()
					}
				}}
				var result *Result
				var err error
				if begin {
					result, err = Start(ctx, backend, folder, r, o)
				} else {
					result, err = Resume(ctx, backend, folder, o)
				}
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				if result.Finished {
					break
				}
				interruptions++
			}
			if interruptions != 3 {
				t.Errorf("interrupted %d times, want 3", interruptions)
			}
			compareOutcomes(t, outcomeOf(t, folder), outcomeOf(t, straight))
		})
	}
}

// TestRunsAreEqual makes the same run three times.
func TestRunsAreEqual(t *testing.T) {
	backend := newBackend(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	r.Epochs = 4
	var first map[string]string
	for range 3 {
		folder := filepath.Join(t.TempDir(), "run")
		result, err := Start(t.Context(), backend, folder, r, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if steps := result.Images / r.Batch; steps != 20 {
			t.Fatalf("%d steps, want 20", steps)
		}
		if first == nil {
			first = outcomeOf(t, folder)
			continue
		}
		compareOutcomes(t, outcomeOf(t, folder), first)
	}
}

// TestMicroBatchesAverage compares a batch of two equal halves with the half alone.
func TestMicroBatchesAverage(t *testing.T) {
	backend := newBackend(t)
	whole := smallRecipe("")
	whole.DropoutKeep = 1
	parts := whole
	whole.Batch, parts.Batch, parts.MicroBatches = 4, 8, 2
	images, labels := pictures(4)
	a, b := newTestStepper(t, backend, whole), newTestStepper(t, backend, parts)
	want, err := a.step(0, images, labels, 0.1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.add(0, 0, images, labels); err != nil {
		t.Fatal(err)
	}
	got, err := b.step(0, images, labels, 0.1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.norm-want.norm) > 1e-5*want.norm {
		t.Errorf("the gradient of two halves has L2 %g, want that of one, %g", got.norm, want.norm)
	}
	// The sums begin anew in the next step.
	for _, p := range b.parameters.trained {
		sums, err := b.values(gradientScope, p)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(sums, func(v float32) bool { return v != 0 }) {
			t.Fatalf("the gradient sums of %s are not zero after the step", p.Name)
		}
	}
}

// TestUpdate takes the step apart: with plain gradient descent at a rate of 1, what is
// subtracted is the clipped gradient itself.
func TestUpdate(t *testing.T) {
	backend := newBackend(t)
	plain := smallRecipe("")
	plain.Optimizer, plain.ClipNorm, plain.WeightDecay = recipe.Optimizer{SGD: &recipe.SGD{}}, 0, 0
	images, labels := pictures(6)
	const decay = 0.75
	step := func(r recipe.Training) (s *stepper, norm float64, change map[string][]float64) {
		s = newTestStepper(t, backend, r)
		before := parametersOfStepper(t, s, "")
		o, err := s.step(0, images, labels, 1, decay)
		if err != nil {
			t.Fatal(err)
		}
		change = map[string][]float64{}
		for name, values := range parametersOfStepper(t, s, "") {
			for i, v := range values {
				change[name] = append(change[name], float64(before[name][i])-float64(v))
			}
		}
		return s, o.norm, change
	}
	s, norm, change := step(plain)
	if got := l2Of(s, change); math.Abs(got-norm) > 1e-4*norm {
		t.Errorf("the step has L2 %g, the gradient %g", got, norm)
	}

	clipped := plain
	clipped.ClipNorm = norm / 4
	c, sameNorm, clippedChange := step(clipped)
	if math.Abs(sameNorm-norm) > 1e-6*norm {
		t.Errorf("the norm before clipping is %g, want %g", sameNorm, norm)
	}
	if got := l2Of(c, clippedChange); math.Abs(got-norm/4) > 1e-4*norm {
		t.Errorf("clipped to %g, the step has L2 %g", norm/4, got)
	}
	clipped.ClipNorm = 2 * norm
	c, _, clippedChange = step(clipped)
	if got := l2Of(c, clippedChange); math.Abs(got-norm) > 1e-4*norm {
		t.Errorf("with a limit above it, the step has L2 %g, want %g", got, norm)
	}

	decayed := plain
	decayed.WeightDecay = 0.01
	d, _, decayedChange := step(decayed)
	initial := parametersOfStepper(t, newTestStepper(t, backend, plain), "")
	for _, p := range d.parameters.trained {
		factor := 0.0
		if strings.HasSuffix(p.Name, "/weights") {
			factor = 0.01
		}
		for i, v := range decayedChange[p.Name] {
			if want := change[p.Name][i] + factor*float64(initial[p.Name][i]); math.Abs(v-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("with weight decay, %g is subtracted from %s at %d, want %g", v, p.Name, i, want)
			}
		}
	}

	after, average := parametersOfStepper(t, s, ""), parametersOfStepper(t, s, averageScope)
	if len(average) != len(initial) {
		t.Errorf("there are averages of %d parameters, want all %d", len(average), len(initial))
	}
	for name, values := range average {
		for i, v := range values {
			if want := decay*float64(initial[name][i]) + (1-decay)*float64(after[name][i]); math.Abs(float64(v)-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("the average of %s is %g at %d, want %g", name, v, i, want)
			}
		}
	}
}

func l2Of(s *stepper, change map[string][]float64) float64 {
	sum := 0.0
	for _, p := range s.parameters.trained {
		for _, v := range change[p.Name] {
			sum += v * v
		}
	}
	return math.Sqrt(sum)
}

func parametersOfStepper(t *testing.T, s *stepper, scope string) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range s.parameters.all {
		values, err := s.values(scope, p)
		if err != nil {
			t.Fatal(err)
		}
		all[p.Name] = values
	}
	return all
}

// pictures are the input for n images of three classes, made of waves.
func pictures(n int) ([]float32, []int32) {
	const side = 75
	images, labels := make([]float32, n*side*side*3), make([]int32, n)
	for i := range images {
		images[i] = float32(math.Sin(float64(i) * 0.37 * float64(1+i/(side*side*3))))
	}
	for i := range labels {
		labels[i] = int32(i % 3)
	}
	return images, labels
}

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
