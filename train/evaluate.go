package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train/step"
)

// An evaluator measures a network on a replica's part of a set, time and again with other
// parameters.
type evaluator struct {
	set     *dataset.Set          // the part
	batch   int                   // images that run through the network together
	options dataset.LoaderOptions // of one pass
	store   *model.Store
	exec    *model.Exec
	classes int
}

// newEvaluator makes that of a part of a set. What the network says of an image does not
// depend on which others are in its batch, so that it is the same whatever the part is.
func (r replicas) newEvaluator(backend compute.Backend, network *arch.Network, set *dataset.Set, o dataset.LoaderOptions) (*evaluator, error) {
	n := set.Len()
	part := set.Part(r.rank()*n/r.size(), (r.rank()+1)*n/r.size())
	e := &evaluator{set: part, batch: min(o.Batch, n), store: model.NewStore(), classes: network.Options().Classes}
	o.Sequential, o.Epochs, o.Batch = true, 1, min(e.batch, part.Len())
	e.options = o
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

// measure runs the images through the network with the given parameters, and returns what
// became of each, in the order of the set.
func (e *evaluator) measure(ctx context.Context, values []step.Values) ([]score.Outcome, error) {
	if e.set.Len() == 0 { // fewer images than replicas
		return nil, nil
	}
	for _, v := range values {
		if err := assign(e.store, v.Name, tensors.FromFlatDataAndDimensions(v.Flat, v.Shape...)); err != nil {
			return nil, err
		}
	}
	loader, err := dataset.NewLoader(e.set, e.options)
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	var outcomes []score.Outcome
	side := e.options.Preparation.Side()
	for {
		batch, err := loader.Next(ctx)
		if errors.Is(err, io.EOF) {
			return outcomes, nil
		}
		if err != nil {
			return nil, err
		}
		// A smaller batch is filled up with what is in memory, for one compiled program.
		size := e.batch * side * side * 3
		full := slices.Grow(batch.Images, size-len(batch.Images))[:size]
		images := tensors.FromFlatDataAndDimensions(full, e.batch, side, side, 3)
		results, err := e.exec.Exec(images)
		if err != nil {
			return nil, err
		}
		logits, err := tensors.CopyFlatData[float32](results[0])
		if err := errors.Join(err, images.FinalizeAll(), results[0].FinalizeAll()); err != nil {
			return nil, err
		}
		for i, index := range batch.Indexes {
			if !score.Finite(logits[i*e.classes:][:e.classes]) {
				return nil, fmt.Errorf("%s: %w: begin again with a lower learning rate, a longer warm_up, or clip_norm", e.set.Name(index), score.ErrNotFinite)
			}
		}
		outcomes = append(outcomes, score.Outcomes(logits[:len(batch.Labels)*e.classes], batch.Labels)...)
	}
}

// accuracy is that of the outcomes of all replicas, added up in the order of the set.
func (r replicas) accuracy(own []score.Outcome) (score.Accuracy, error) {
	var tally score.Tally
	if r.group == nil {
		tally.Add(own...)
		return tally.Accuracy(), nil
	}
	text, err := json.Marshal(own)
	if err != nil {
		return score.Accuracy{}, err
	}
	texts, err := r.group.Texts(string(text))
	if err != nil {
		return score.Accuracy{}, err
	}
	for _, text := range texts {
		var outcomes []score.Outcome
		if err := json.Unmarshal([]byte(text), &outcomes); err != nil {
			return score.Accuracy{}, err
		}
		tally.Add(outcomes...)
	}
	return tally.Accuracy(), nil
}

// assign sets a variable's value, and makes the variable the first time.
func assign(store *model.Store, name string, value *tensors.Tensor) error {
	if v := store.GetVariable("/" + name); v != nil {
		return v.SetValue(value)
	}
	_, err := store.CreateVariable(name, value)
	return err
}
