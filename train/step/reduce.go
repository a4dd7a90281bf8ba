package step

import (
	"fmt"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// A Reducer connects the replicas of a training. Each replica has a Step of its own, with
// the same recipe and state, and other images. Together they compute what one replica does
// with the micro-batches of all. All replicas call its methods in the same order with as
// many values, each from one goroutine at a time.
type Reducer interface {
	// Rank is the number of this replica, from 0, of Size.
	Rank() int
	Size() int
	// Sum replaces values by their sums over all replicas, added in the order of their
	// ranks.
	Sum(values []float32) error
	// Gather returns the values of all replicas, in the order of their ranks.
	Gather(own []float32) (all []float32, err error)
}

// Reduction is how long replicas took to add their gradients in the steps so far.
type Reduction struct {
	// Time is that of adding, Exposed the part in which nothing else was computed.
	Time, Exposed time.Duration
}

// bucketSize is how many gradients are added at a time: enough for the time not to be that
// of messages, and few enough for the first to be added while later ones are computed.
const bucketSize = 25_000_000 / 4

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

// Reduction returns how long adding gradients took.
func (s *Step) Reduction() Reduction { return s.reduction }

// A gradient is the sum of a trained parameter's over this replica's micro-batches, and
// then over all replicas'.
type gradient struct {
	parameter int // its index in Parameters.Trained
	values    []float32
}

// lastOfReplica runs a replica's last micro-batch, and adds the gradients of the other
// replicas to its own: while the backward pass goes on, if the backend tells of each
// gradient when it is there.
func (s *Step) lastOfReplica(step int, images []float32, labels []int32) (Outcome, error) {
	given := make(chan gradient, len(s.parameters.Trained)) // never full
	failed := make(chan error, 1)
	index := map[*model.Variable]int{}
	for i, p := range s.parameters.Trained {
		index[s.variable(gradientScope, p)] = i
	}
	begun := make([]bool, len(s.parameters.Trained))
	started := false
	s.accumulate.early = func(v *model.Variable, values []float32) {
		i, ok := index[v]
		if !ok {
			return
		}
		if !started { // the program exists, and with it its order
			started = true
			go func() { failed <- s.reduce(index, given) }()
		}
		begun[i] = true
		given <- gradient{i, values}
	}
	o, err := s.run(&s.accumulate, step, s.recipe.MicroBatches-1, images, labels)
	s.accumulate.early = nil
	begin := time.Now()
	var copied []gradient
	if err == nil {
		if !started {
			started = true
			go func() { failed <- s.reduce(index, given) }()
		}
		for i, p := range s.parameters.Trained {
			if begun[i] {
				continue
			}
			var values []float32
			if values, err = s.values(gradientScope, p); err != nil {
				break
			}
			copied = append(copied, gradient{i, values})
			given <- gradient{i, values}
		}
	}
	close(given)
	if started {
		if reduced := <-failed; err == nil && reduced != nil {
			err = fmt.Errorf("step %d: %w", step+1, reduced)
		}
	}
	if err != nil {
		return Outcome{}, err
	}
	for _, g := range copied {
		p := s.parameters.Trained[g.parameter]
		if err := s.variable(gradientScope, p).SetValue(tensors.FromFlatDataAndDimensions(g.values, p.Shape...)); err != nil {
			return Outcome{}, err
		}
	}
	s.reduction.Exposed += time.Since(begin)
	return o, nil
}

// reduce adds gradients in buckets, in the order in which the first replica has them. It
// leaves what is not given before the channel is closed.
func (s *Step) reduce(index map[*model.Variable]int, given <-chan gradient) error {
	if s.order == nil {
		if err := s.agree(index); err != nil {
			return err
		}
	}
	values := make([][]float32, len(s.order))
	var bucket [][]float32
	size, next := 0, 0
	var failed error
	for g := range given {
		values[g.parameter] = g.values
		for ; failed == nil && next < len(s.order) && values[s.order[next]] != nil; next++ {
			bucket = append(bucket, values[s.order[next]])
			size += len(values[s.order[next]])
			if size >= bucketSize || next == len(s.order)-1 {
				failed = s.sum(bucket, size)
				bucket, size = bucket[:0], 0
			}
		}
	}
	return failed
}

// agree settles the order in which all replicas add gradients: the first one's. Replicas on
// other machines may compute them in another.
func (s *Step) agree(index map[*model.Variable]int) error {
	own := make([]float32, 0, len(s.parameters.Trained)) // indexes, which float32 holds exactly
	seen := make([]bool, len(s.parameters.Trained))
	for _, v := range s.accumulate.earlyOrder() {
		if i, ok := index[v]; ok {
			own, seen[i] = append(own, float32(i)), true
		}
	}
	for i := range seen {
		if !seen[i] {
			own = append(own, float32(i))
		}
	}
	all, err := s.options.Reducer.Gather(own)
	if err != nil {
		return err
	}
	for _, i := range all[:len(own)] {
		s.order = append(s.order, int(i))
	}
	return nil
}

// sum adds up a bucket of so many gradients.
func (s *Step) sum(bucket [][]float32, size int) error {
	begin := time.Now()
	defer func() { s.reduction.Time += time.Since(begin) }()
	if len(bucket) == 1 {
		return s.options.Reducer.Sum(bucket[0])
	}
	if len(s.bucket) < size {
		s.bucket = make([]float32, size)
	}
	together := s.bucket[:0]
	for _, values := range bucket {
		together = append(together, values...)
	}
	if err := s.options.Reducer.Sum(together); err != nil {
		return err
	}
	for _, values := range bucket {
		copy(values, together)
		together = together[len(values):]
	}
	return nil
}
