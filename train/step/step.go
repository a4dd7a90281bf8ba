package step

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A Step is the compiled step of a training with the state that it changes: the
// parameters, the optimiser's slots and the averages. Its methods are for one goroutine.
type Step struct {
	backend    compute.Backend
	network    *arch.Network
	recipe     recipe.Training
	options    Options
	optimizer  optimizer
	parameters Parameters
	store      *model.Store
	images     images
	brought    *Brought // for the next micro-batch

	accumulate function // adds the gradients of a micro-batch to those of the step
	last       function // adds those of the last, and applies them
	apply      function // applies what was accumulated
	move       function // moves the moving statistics, for replicas

	// Of replicas:
	statistics []float32 // of the step's micro-batches so far
	order      []int     // in which gradients are added: indexes in Parameters.Trained
	bucket     []float32
	reduction  Reduction
}

// Options of a step. The zero value is that of a training of one replica.
type Options struct {
	// CheckGradients lets an Outcome name the parameter whose gradient is not finite.
	CheckGradients bool
	// Reducer adds the gradients of all replicas; nil of a training of one. With one, the
	// network's Options.LeaveStatistics must be set.
	Reducer Reducer
	// Gather makes batch norm that of all replicas, with a Reducer: by the statistics of the
	// micro-batches that they compute at the same time. It returns the values of all, of which
	// each has as many, in the order of their ranks, and is called while the Reducer is. When
	// nil each replica normalises by its own.
	Gather func(own []float32) (all []float32, err error)
}

// New makes the step of a recipe, which must be resolved, with the state that training
// begins with: values fills in that of each parameter. After an error in a step the state
// may be lost.
func New(backend compute.Backend, network *arch.Network, r recipe.Training, p Parameters, values func(dst []float32, p arch.Parameter) error, o Options) (*Step, error) {
	if r.MicroBatches < 1 {
		return nil, fmt.Errorf("expected a recipe that is resolved, with one micro-batch or more, found %d", r.MicroBatches)
	}
	s := &Step{
		backend: backend, network: network, recipe: r, options: o, parameters: p,
		optimizer: optimizerOf(r.Optimizer), store: model.NewStore(), images: images{backend: backend},
	}
	s.accumulate = function{backend: backend, store: s.store, name: "accumulate", build: s.accumulateGraph}
	s.last = function{backend: backend, store: s.store, name: "accumulate and apply", build: s.lastGraph}
	s.apply = function{backend: backend, store: s.store, name: "apply", build: s.applyGraph}
	s.move = function{backend: backend, store: s.store, name: "move statistics", build: s.moveGraph}
	if s.synchronised() {
		s.accumulate.gather, s.accumulate.agree = o.Gather, s.sameGathers
	}
	if err := errors.Join(s.checkStatistics(), s.checkGather(), s.create(values)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close releases the programs and the state.
func (s *Step) Close() {
	s.images.close()
	s.accumulate.close()
	s.last.close()
	s.apply.close()
	s.move.close()
	s.store.Finalize()
}

// Images returns memory for the images of micro-batches, [batch, size, size, 3]: what is
// given them takes no memory for them besides, if the backend has shared buffers.
func (s *Step) Images(batch int) ([]float32, error) {
	shape := imagesShape(batch, s.recipe.Size)
	if !s.backend.HasSharedBuffers() {
		return make([]float32, shape.Size()), nil
	}
	return s.images.room(shape)
}

// Executable is the program that ends a step; nil before the first, and with a Reducer.
func (s *Step) Executable() compute.Executable { return s.last.executable }

// An Outcome is what a micro-batch computed.
type Outcome struct {
	// Loss is the cross-entropy with smoothed labels, and the auxiliary head's, without
	// what weight decay adds.
	Loss float64
	// Logits are [images, classes].
	Logits []float32
	// GradientNorm is the L2 norm of all gradients of the step before they are clipped; of
	// its last micro-batch alone.
	GradientNorm float64
	// NotFinite is the first parameter whose gradient has no finite L2 norm, if
	// Options.CheckGradients asks for it and there is one.
	NotFinite string
}

// Accumulate adds the gradients of a micro-batch that is not the step's last. Steps are
// numbered from 0, and so are their micro-batches. Images are [len(labels), side, side,
// 3] in [-1,1].
func (s *Step) Accumulate(step, microBatch int, images []float32, labels []int32) (Outcome, error) {
	return s.run(&s.accumulate, step, microBatch, images, labels)
}

// Apply adds the gradients of the step's last micro-batch, those of the other replicas,
// and changes the parameters by a learning rate; their averages move by a decay.
func (s *Step) Apply(step int, images []float32, labels []int32, rate, decay float64) (Outcome, error) {
	microBatch := s.recipe.MicroBatches - 1
	if s.options.Reducer == nil {
		return s.run(&s.last, step, microBatch, images, labels, float32(rate), float32(decay))
	}
	o, err := s.lastOfReplica(step, images, labels)
	if err != nil {
		return Outcome{}, err
	}
	if err := s.moveStatistics(); err != nil {
		return Outcome{}, fmt.Errorf("step %d: %w", step+1, err)
	}
	results, err := s.apply.run(tensors.FromScalar(float32(rate)), tensors.FromScalar(float32(decay)))
	if err != nil {
		return Outcome{}, fmt.Errorf("step %d: %w", step+1, err)
	}
	err = s.take(&o, results)
	return o, err
}

// run runs a program on a micro-batch.
func (s *Step) run(f *function, step, microBatch int, images []float32, labels []int32, scalars ...float32) (Outcome, error) {
	// Dropout follows from the seed, the step and the micro-batch of all replicas.
	number := uint64(step)*uint64(s.microBatches()) + uint64(s.rank()*s.recipe.MicroBatches+microBatch)
	random := rand.New(rand.NewPCG(s.recipe.Seed, number))
	if err := s.store.SetRNGStateFromSeed(random.Int64()); err != nil {
		return Outcome{}, err
	}
	batch, classes := len(labels), s.network.Options().Classes
	// In the backend's memory alone, as the variables are.
	if b := s.brought; b != nil {
		s.brought = nil
		s.images.take(b)
	} else if err := s.images.show(images, imagesShape(batch, sideOf(images, batch))); err != nil {
		return Outcome{}, err
	}
	wanted, err := onBackend(s.backend, targets(labels, classes, s.recipe.LabelSmoothing), batch, classes)
	if err != nil {
		return Outcome{}, err
	}
	inputs := []*tensors.Tensor{s.images.tensor, wanted}
	for _, v := range scalars {
		inputs = append(inputs, tensors.FromScalar(v))
	}
	results, err := f.run(inputs...)
	if err != nil {
		return Outcome{}, fmt.Errorf("step %d: %w", step+1, err)
	}
	o := Outcome{Loss: float64(tensors.ToScalar[float32](results[1]))}
	if o.Logits, err = tensors.CopyFlatData[float32](results[0]); err != nil {
		return Outcome{}, err
	}
	take := func(rest []*tensors.Tensor) error { return s.take(&o, rest) }
	if s.options.LeavesStatistics() {
		take = s.keepStatistics
	}
	if err := take(results[2:]); err != nil {
		return Outcome{}, err
	}
	return o, finalize(append(inputs[1:], results[:2]...))
}

// take reads what Apply's part of a program returns, if it has one, and releases it.
func (s *Step) take(o *Outcome, results []*tensors.Tensor) error {
	if len(results) > 0 {
		o.GradientNorm = float64(tensors.ToScalar[float32](results[0]))
	}
	if len(results) > 1 {
		squares, err := tensors.CopyFlatData[float32](results[1])
		if err != nil {
			return err
		}
		finite := func(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }
		if i := slices.IndexFunc(squares, func(v float32) bool { return !finite(v) }); i >= 0 {
			o.NotFinite = s.parameters.Trained[i].Name
		}
	}
	return finalize(results)
}

func finalize(all []*tensors.Tensor) error {
	for _, t := range all {
		if err := t.FinalizeAll(); err != nil {
			return err
		}
	}
	return nil
}
