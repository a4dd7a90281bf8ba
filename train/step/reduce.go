package step

import (
	"errors"

	"github.com/gomlx/gomlx/core/tensors"
)

// A Reducer adds the gradients of the replicas of a training. Each replica has a Step of
// its own, with the same recipe and state, and other images. Together they compute what
// one replica, with a Reducer of Size 1, does with the micro-batches of all. Without a
// Reducer there are fewer programs, which may round otherwise.
type Reducer interface {
	// Rank is the number of this replica, from 0, of Size.
	Rank() int
	Size() int
	// Sum replaces a replica's gradients of one parameter by the sums over all replicas,
	// added in the order of their ranks. All replicas call it for the same parameters in
	// the same order.
	Sum(gradients []float32) error
}

func (s *Step) rank() int {
	if s.options.Reducer == nil {
		return 0
	}
	return s.options.Reducer.Rank()
}

// microBatches is how many a step has over all replicas.
func (s *Step) microBatches() int {
	if s.options.Reducer == nil {
		return s.recipe.MicroBatches
	}
	return s.recipe.MicroBatches * s.options.Reducer.Size()
}

// accumulates reports whether gradients are kept between programs.
func (s *Step) accumulates() bool { return s.recipe.MicroBatches > 1 || s.options.Reducer != nil }

// reduce adds the gradients of the other replicas to those that were accumulated.
func (s *Step) reduce() error {
	for _, p := range s.parameters.Trained {
		sum, err := s.variable(gradientScope, p).Value()
		if err != nil {
			return err
		}
		var summed error
		err = tensors.MutableFlatData(sum, func(flat []float32) { summed = s.options.Reducer.Sum(flat) })
		if err := errors.Join(err, summed); err != nil {
			return err
		}
	}
	return nil
}
