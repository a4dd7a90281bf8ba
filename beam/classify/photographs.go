package classify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

func init() { register.DoFn3x1[context.Context, string, func(string), error](&classifyFn{}) }

// Metrics is the namespace of a pipeline's counters.
const Metrics = "inception"

// The counters.
const (
	// Loaded is how often a network was loaded: once in each worker.
	Loaded = "networks loaded"
	// Classified and Failed are how many photographs have classes, and an error.
	Classified = "photographs classified"
	Failed     = "photographs failed"
)

// Photographs classifies photographs by their paths, which are in the global window, and returns
// for each a [predict.Record] as one line of JSON, in no order. It is what inception predict
// --json tells of the photograph, with the same options, on a machine with the same instruction
// set and number of threads.
//
// A photograph that cannot be decoded, or a path of the workers' file system that cannot be
// read, has a record with its error. That an object of object storage cannot be read is an error
// of the pipeline, whose runner tries again.
func Photographs(s beam.Scope, o Options, paths beam.PCollection) (beam.PCollection, error) {
	if err := o.Check(); err != nil {
		return beam.PCollection{}, err
	}
	if kind := paths.WindowingStrategy().Fn.Kind; kind != window.GlobalWindows {
		return beam.PCollection{}, fmt.Errorf("expected paths in the global window, found them in windows of the kind %q", kind)
	}
	return beam.ParDo(s.Scope("Classify photographs"), &classifyFn{Options: o}, paths), nil
}

// classifyFn gathers the paths of a bundle, so that photographs are decoded while others are in
// the network.
type classifyFn struct {
	Options Options

	worker  *worker
	waiting []string
	loaded  beam.Counter
	fine    beam.Counter
	failed  beam.Counter
}

// together is how many photographs of a bundle are classified one after the other: enough that
// the first, for which nothing is decoded yet, does not count.
const together = 64

func (f *classifyFn) Setup() {
	f.loaded, f.fine, f.failed = beam.NewCounter(Metrics, Loaded), beam.NewCounter(Metrics, Classified), beam.NewCounter(Metrics, Failed)
}

func (f *classifyFn) StartBundle(ctx context.Context, _ func(string)) (err error) {
	f.waiting = f.waiting[:0]
	f.worker, err = find(ctx, f.Options, func() { f.loaded.Inc(ctx, 1) })
	return err
}

func (f *classifyFn) ProcessElement(ctx context.Context, path string, emit func(string)) error {
	if f.waiting = append(f.waiting, path); len(f.waiting) < max(together, f.Options.Classifier.Batch) {
		return nil
	}
	return f.FinishBundle(ctx, emit)
}

func (f *classifyFn) FinishBundle(ctx context.Context, emit func(string)) error {
	defer func() { f.waiting = f.waiting[:0] }()
	return f.worker.classify(ctx, f.waiting, func(p predict.Photo) error {
		counter := f.fine
		if p.Err != nil {
			counter = f.failed
		}
		counter.Inc(ctx, 1)
		line, err := json.Marshal(p.Record(f.Options.Top))
		if err == nil {
			emit(string(line))
		}
		return err
	})
}

// classify classifies photographs. Bundles that come at the same time take turns: the network
// takes all cores.
func (w *worker) classify(ctx context.Context, paths []string, use func(predict.Photo) error) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	return w.classifier.Each(ctx, slices.Values(paths), func(path string, reserve func(int64)) (*vision.Image, error) {
		return w.open(ctx, path, reserve)
	}, func(p predict.Photo) error {
		if again, ok := p.Err.(*storageError); ok {
			return again
		}
		return use(p)
	})
}
