// Package demo shows the whole of the toolkit in a few minutes: it renders a labelled set
// of pictures, trains a narrow network on it, evaluates the network, classifies pictures
// that it has not seen, and writes a page about all of it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/internal/rendered"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train"
	"github.com/seed-fb2c0fa6/inception/train/curves"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// What lies in the demo's folder, beside the files of a training run.
const (
	DataFolder = "data"
	ReportFile = "report.html"
)

// recipeName is the recipe's in package recipe.
const recipeName = "demo"

// Options are what a demo computes in, and what watches it. The zero value is silent.
type Options struct {
	// Precision is how exactly the network computes: arch.Float32 when empty. In
	// arch.BFloat16 it is trained, too; for arch.Int8 what was trained in float32 is
	// quantised; predict.Auto is the fastest for the evaluation.
	Precision arch.Precision
	// Log receives what happens now and then.
	Log *slog.Logger
	// Training is called after every step.
	Training func(train.Progress)
	// Evaluating is told how many of the pictures an evaluation has done.
	Evaluating func(done, total int)
}

// A Result is what a demo found.
type Result struct {
	Folder  string   `json:"folder"`
	Network string   `json:"network"`
	Classes []string `json:"classes"`
	// Training and Test are the numbers of pictures.
	Training     int   `json:"training"`
	Test         int   `json:"test"`
	Parameters   int64 `json:"parameters"`
	MultiplyAdds int64 `json:"multiply_adds"`
	// Precision is that of the evaluation.
	Precision arch.Precision `json:"precision,omitempty"`
	// Finished is false for a demo whose training was interrupted; it goes on when it is
	// run again. What follows is there of a finished one alone.
	Finished bool `json:"finished"`
	// Epochs is how often the pictures were seen, ImagesPerSecond how fast; zero where
	// another process trained.
	Epochs          float64   `json:"epochs"`
	ImagesPerSecond float64   `json:"images_per_second"`
	Measures        []Measure `json:"measures"`
	Pictures        []Picture `json:"pictures"`
	// Seconds is how long all took, TrainingSeconds how long the steps.
	Seconds         float64 `json:"seconds"`
	TrainingSeconds float64 `json:"training_seconds"`
}

// A Measure is one way to evaluate the network.
type Measure struct {
	// Weights is "raw" or "averaged".
	Weights string       `json:"weights"`
	Crops   int          `json:"crops"`
	Top1    score.Errors `json:"top1"`
	Top5    score.Errors `json:"top5"`
}

// A Picture is a classified one.
type Picture struct {
	Path  string               `json:"path"`
	Class string               `json:"class"`
	Top   []predict.Prediction `json:"top"`
}

// Run runs the demo in a folder, which is made where there is none. In the folder of a
// demo that was interrupted it goes on; any other that is not empty is an error. When
// the context is cancelled while the network is trained, the training is saved and the
// result not finished.
func Run(ctx context.Context, backend compute.Backend, folder string, o Options) (*Result, error) {
	settings, err := recipe.FindTraining(recipeName)
	if err != nil {
		return nil, err
	}
	return run(ctx, backend, folder, settings, rendered.Options{Train: 400, Test: 60, Seed: settings.Seed}, o)
}

// run runs a demo by a recipe, on a set of a given size.
func run(ctx context.Context, backend compute.Backend, folder string, settings recipe.Training, size rendered.Options, o Options) (*Result, error) {
	begin := time.Now()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	settings.Data = filepath.Join(folder, DataFolder)
	if o.Precision == arch.BFloat16 {
		settings.Precision = string(o.Precision)
	}
	r := &Result{Folder: folder, Network: settings.Network, Classes: rendered.Classes(), Epochs: settings.Epochs}
	if err := r.describe(settings); err != nil {
		return nil, err
	}
	begun, err := prepare(folder, settings)
	if err != nil {
		return nil, err
	}
	r.Training, r.Test = size.Train*len(r.Classes), size.Test*len(r.Classes)
	o.Log.Info("render", "pictures", r.Training+r.Test, "folder", settings.Data)
	if err := rendered.Write(ctx, settings.Data, size); err != nil {
		return nil, err
	}
	o.Log.Info("train", "network", r.Network, "epochs", settings.Epochs)
	watch := train.Options{Log: o.Log, Progress: o.Training}
	var trained *train.Result
	if begun {
		trained, err = train.Resume(ctx, backend, folder, watch)
	} else {
		trained, err = train.Start(ctx, backend, folder, settings, watch)
	}
	if err != nil {
		return nil, err
	}
	r.Finished, r.TrainingSeconds = trained.Finished, trained.Time.Seconds()
	if trained.Time > 0 {
		r.ImagesPerSecond = float64(trained.Images) / trained.Time.Seconds()
	}
	if !r.Finished {
		return r, nil
	}
	if err := r.show(ctx, backend, o); err != nil {
		return nil, err
	}
	r.Seconds = time.Since(begin).Seconds()
	return r, writeReport(r)
}

func (r *Result) describe(settings recipe.Training) error {
	network, err := arch.New(settings.Network, arch.Options{Classes: len(r.Classes), Width: settings.Width, Blocks: settings.Blocks})
	if err != nil {
		return err
	}
	d, err := network.Describe(settings.Size, settings.Size)
	if err != nil {
		return err
	}
	r.Parameters, r.MultiplyAdds = d.Parameters, d.MultiplyAdds
	return nil
}

// prepare makes the folder, and tells whether a demo was begun there.
func prepare(folder string, settings recipe.Training) (begun bool, err error) {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return false, err
	}
	found, err := os.ReadFile(rundir.Dir(folder).Recipe())
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return false, err
		}
		for _, e := range entries {
			// Those are what a demo that did not come to its training leaves.
			if name := e.Name(); name != DataFolder && !rundir.Before(name) {
				return false, fmt.Errorf("%s has a file %s that is not the demo's; choose a folder that is empty or does not exist", folder, name)
			}
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	want, err := settings.Encode()
	if err != nil {
		return false, err
	}
	if string(found) != string(want) {
		return false, fmt.Errorf("%s has a run of another recipe, or of another version of the demo; choose a folder that is empty or does not exist", folder)
	}
	return true, nil
}

// show measures the network, classifies pictures, and draws the curves.
func (r *Result) show(ctx context.Context, backend compute.Backend, o Options) (err error) {
	if err := train.WriteRaw(r.Folder); err != nil {
		return err
	}
	if err := curves.WriteOwn(r.Folder); err != nil {
		return err
	}
	set, err := dataset.Open(ctx, filepath.Join(r.Folder, DataFolder), dataset.Options{Split: rendered.Test, Classes: r.Classes})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	dir := rundir.Dir(r.Folder)
	var members []evaluate.Member
	var classifier *predict.Classifier
	for _, weights := range []struct{ name, path string }{{"raw", dir.Raw()}, {"averaged", dir.Model()}} {
		path, precision := weights.path, o.Precision
		if precision == arch.Int8 {
			if path, err = r.quantize(ctx, backend, path); err != nil {
				return err
			}
		}
		classifier, err = predict.Open(ctx, backend, predict.Config{Weights: path, Precision: precision})
		if err != nil {
			return err
		}
		defer classifier.Close()
		r.Precision = classifier.Network().Options().Precision
		members = append(members, evaluate.FromClassifier(weights.name, classifier))
	}
	for _, crops := range []vision.Crops{vision.Crops1, vision.Crops12} {
		o.Log.Info("evaluate", "crops", int(crops))
		report, err := evaluate.Run(ctx, members, set, evaluate.Options{Crops: crops, Progress: o.Evaluating})
		if err != nil {
			return err
		}
		for i, member := range members {
			row := report.Rows[i]
			r.Measures = append(r.Measures, Measure{Weights: member.Name, Crops: int(crops), Top1: row.Top1, Top5: row.Top5})
		}
	}
	return r.classify(ctx, classifier, set)
}

// classify predicts held-out pictures of six classes.
func (r *Result) classify(ctx context.Context, classifier *predict.Classifier, set *dataset.Set) error {
	const pictures, shown = 6, 3
	for i := range pictures {
		at := i * set.Len() / pictures
		file, err := set.Read(at)
		if err != nil {
			return err
		}
		picture, err := vision.Decode(file, vision.DecodeOptions{})
		if err != nil {
			return err
		}
		results, err := classifier.Predict(ctx, picture)
		if err != nil {
			return err
		}
		r.Pictures = append(r.Pictures, Picture{
			Path:  filepath.Join(r.Folder, DataFolder, filepath.FromSlash(set.Name(at))),
			Class: r.Classes[set.Label(at)], Top: results[0].Top(shown),
		})
	}
	return nil
}
