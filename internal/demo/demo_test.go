package demo

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/rendered"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

// small is the demo's recipe for a test of seconds.
func small(t *testing.T) (recipe.Training, rendered.Options) {
	t.Helper()
	settings, err := recipe.FindTraining(recipeName)
	if err != nil {
		t.Fatal(err)
	}
	settings.Width, settings.Epochs, settings.LogEvery = 0.125, 2, 1
	return settings, rendered.Options{Train: 4, Test: 2, Seed: 1}
}

// TestRun interrupts a demo and goes on, as a second process would.
func TestRun(t *testing.T) {
	settings, size := small(t)
	folder := filepath.Join(t.TempDir(), "a demo")
	backend := cpubackend.New(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	steps := 0
	r, err := run(ctx, backend, folder, settings, size, Options{Training: func(p train.Progress) {
		if steps = p.Steps; p.Step == 2 {
			cancel()
		}
	}})
	if err != nil || r.Finished || len(r.Measures) > 0 {
		t.Fatalf("the interrupted demo is %+v: %v", r, err)
	}
	if want := 5; steps != want { // 2 epochs of 40 pictures in batches of 16
		t.Errorf("%d steps, want %d", steps, want)
	}
	first := 0
	r, err = run(context.Background(), backend, folder, settings, size, Options{Training: func(p train.Progress) {
		if first == 0 {
			first = p.Step
		}
	}})
	if err != nil || !r.Finished {
		t.Fatalf("the demo that goes on is %+v: %v", r, err)
	}
	if first != 3 {
		t.Errorf("it goes on with step %d, want 3", first)
	}
	if len(r.Measures) != 4 || len(r.Pictures) != 6 || r.Training != 40 || r.Test != 20 {
		t.Errorf("%d measures, %d pictures, %d and %d images", len(r.Measures), len(r.Pictures), r.Training, r.Test)
	}
	for i, m := range r.Measures {
		if want := []string{"raw 1", "averaged 1", "raw 12", "averaged 12"}[i]; m.Weights+" "+map[int]string{1: "1", 12: "12"}[m.Crops] != want || m.Top1.Images != 20 {
			t.Errorf("measure %d is %+v, want one of %s", i, m, want)
		}
	}
	classes := map[string]bool{}
	for _, p := range r.Pictures {
		classes[p.Class] = true
		if len(p.Top) != 3 || filepath.Base(filepath.Dir(p.Path)) != p.Class {
			t.Errorf("the picture %s of class %s has %d predictions", p.Path, p.Class, len(p.Top))
		}
		if _, err := os.Stat(p.Path); err != nil {
			t.Error(err)
		}
	}
	if len(classes) != 6 {
		t.Errorf("the pictures are of %d classes, want 6", len(classes))
	}
	checkFolder(t, folder)

	// A third time there is nothing left to train.
	again, err := run(context.Background(), backend, folder, settings, size, Options{Training: func(train.Progress) { t.Error("a finished demo trains") }})
	if err != nil || !again.Finished || again.Measures[3] != r.Measures[3] {
		t.Errorf("a finished demo is %+v: %v", again, err)
	}
	settings.Epochs = 3
	if _, err := run(context.Background(), backend, folder, settings, size, Options{}); err == nil || !strings.Contains(err.Error(), "another recipe") {
		t.Errorf("another recipe: %v", err)
	}
}

// checkFolder looks at the files of a finished demo.
func checkFolder(t *testing.T, folder string) {
	t.Helper()
	dir := rundir.Dir(folder)
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	raw, averaged := read(dir.Raw()), read(dir.Model())
	if len(raw) != len(averaged) || bytes.Equal(raw, averaged) {
		t.Errorf("the raw weights have %d bytes, the averaged ones %d, and should differ", len(raw), len(averaged))
	}
	if _, err := png.Decode(bytes.NewReader(read(dir.Curves()))); err != nil {
		t.Error(err)
	}
	text := string(read(filepath.Join(folder, ReportFile)))
	sources := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(text, -1)
	if len(sources) != 7 {
		t.Errorf("the page has %d pictures, want the curves and six", len(sources))
	}
	for i, source := range sources {
		kind := "data:image/jpeg;base64,"
		if i == 0 {
			kind = "data:image/png;base64,"
		}
		if !strings.HasPrefix(source[1], kind) {
			t.Errorf("picture %d of the page is %.40s, want it within the page", i, source[1])
		}
	}
	for _, part := range []string{
		"predict --weights &#39;" + dir.Model() + "&#39; --top 3 &#39;" + filepath.Join(folder, "data", "test", "star") + "&#39;",
		"evaluate --weights", "--split test --crops 12", "arrow, bolt, crescent", "40 rendered pictures", "20 held-out pictures",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	words := regexp.MustCompile(`base64,[^"]*`).ReplaceAllString(text, "")
	if strings.Contains(words, "ZgotmplZ") || strings.Contains(words, "NaN") {
		t.Error("the page has values that are none")
	}
}

func TestOtherFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Run(context.Background(), cpubackend.New(t), folder, Options{})
	if err == nil || !strings.Contains(err.Error(), "thesis.tex") || !strings.Contains(err.Error(), "choose a folder") {
		t.Errorf("a folder with other files: %v", err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("the folder has %d files, want the one that was there", len(entries))
	}
}

func TestQuoted(t *testing.T) {
	for path, want := range map[string]string{"demo/a.jpg": "demo/a.jpg", "my demo": "'my demo'", "it's": `'it'\''s'`} {
		if got := quoted(path); got != want {
			t.Errorf("%s is quoted as %s, want %s", path, got, want)
		}
	}
}

// TestPrecisions runs demos in other precisions than float32.
func TestPrecisions(t *testing.T) {
	backend := cpubackend.New(t)
	for asked, want := range map[arch.Precision]arch.Precision{
		arch.BFloat16: arch.BFloat16, arch.Int8: arch.Int8, predict.Auto: predict.Fastest(backend, arch.Float32),
	} {
		settings, size := small(t)
		folder := filepath.Join(t.TempDir(), "demo")
		r, err := run(context.Background(), backend, folder, settings, size, Options{Precision: asked})
		if err != nil || !r.Finished || r.Precision != want || len(r.Measures) != 4 {
			t.Errorf("in %s the demo is %+v, %v", asked, r, err)
		}
		if _, err := os.Stat(filepath.Join(folder, "model-int8.safetensors")); (err == nil) != (asked == arch.Int8) {
			t.Errorf("in %s: %v", asked, err)
		}
	}
}
