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

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestStartLearns trains to the end and lets package predict use what comes of it.
func TestStartLearns(t *testing.T) {
	backend := cpubackend.New(t)
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
	backend := cpubackend.New(t)
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
	backend := cpubackend.New(t)
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

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
