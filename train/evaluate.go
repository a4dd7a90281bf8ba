package train

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train/step"
)

// An evaluator measures a network on a set, time and again with other parameters.
type evaluator struct {
	set     *dataset.Set
	options dataset.LoaderOptions // of one pass
	store   *model.Store
	exec    *model.Exec
	classes int
}

func newEvaluator(backend compute.Backend, network *arch.Network, set *dataset.Set, o dataset.LoaderOptions) (*evaluator, error) {
	o.Sequential, o.Epochs, o.Batch = true, 1, min(o.Batch, set.Len())
	e := &evaluator{set: set, options: o, store: model.NewStore(), classes: network.Options().Classes}
	var err error
	e.exec, err = model.NewExec(backend, e.store, func(scope *model.Scope, images *graph.Node) *graph.Node {
		return network.Graph(scope, images).Logits
	})
	return e, err
}

func (e *evaluator) close() {
	e.exec.Finalize()
	e.store.Finalize()
}

// measure runs all images through the network with the given parameters.
func (e *evaluator) measure(ctx context.Context, values []step.Values) (score.Accuracy, error) {
	for _, v := range values {
		if err := assign(e.store, v.Name, tensors.FromFlatDataAndDimensions(v.Flat, v.Shape...)); err != nil {
			return score.Accuracy{}, err
		}
	}
	loader, err := dataset.NewLoader(e.set, e.options)
	if err != nil {
		return score.Accuracy{}, err
	}
	defer loader.Close()
	var tally score.Tally
	side := e.options.Preparation.Side()
	for {
		batch, err := loader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return score.Accuracy{}, err
		}
		// The last batch is filled up with what was in memory, for one compiled program.
		full := batch.Images[:e.options.Batch*side*side*3]
		images := tensors.FromFlatDataAndDimensions(full, e.options.Batch, side, side, 3)
		results, err := e.exec.Exec(images)
		if err != nil {
			return score.Accuracy{}, err
		}
		logits, err := tensors.CopyFlatData[float32](results[0])
		if err := errors.Join(err, images.FinalizeAll(), results[0].FinalizeAll()); err != nil {
			return score.Accuracy{}, err
		}
		for i, index := range batch.Indexes {
			if !score.Finite(logits[i*e.classes:][:e.classes]) {
				return score.Accuracy{}, fmt.Errorf("%s: %w: begin again with a lower learning rate, a longer warm_up, or clip_norm", e.set.Name(index), score.ErrNotFinite)
			}
		}
		tally.Add(logits[:len(batch.Labels)*e.classes], batch.Labels)
	}
	a := tally.Accuracy()
	if a.Images == 0 {
		return a, fmt.Errorf("none of the %d images to evaluate can be read", e.set.Len())
	}
	return a, nil
}

// assign sets a variable's value, and makes the variable the first time.
func assign(store *model.Store, name string, value *tensors.Tensor) error {
	if v := store.GetVariable("/" + name); v != nil {
		return v.SetValue(value)
	}
	_, err := store.CreateVariable(name, value)
	return err
}
