package run

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// Those that execute a program together have images of their own, as many as the others. Batch
// norm of all of them needs what each knows of its own: small values, which everybody gathers
// and adds up in the same order, so that all go on with the same.

// Gathers lists the operations for which an execution calls Gather, in their order, as numbers
// of the recorded nodes. It is an error where batch norm of a batch is left to the go backend,
// which gathers nothing.
func (p *Program) Gathers() (nodes []int, err error) {
	for _, o := range p.plan.Operations {
		switch o := o.(type) {
		case *plan.Normalization:
			if !o.Known {
				nodes = append(nodes, o.Node)
			}
		case *plan.NormalizationGradient:
			nodes = append(nodes, o.Node)
		case *plan.Delegated:
			for _, op := range []compute.OpType{compute.OpTypeBatchNormForTraining, compute.OpTypeBatchNormGradient} {
				if slices.Contains(o.Names, op.String()) {
					return nil, fmt.Errorf("cpu: %s of other than float32 images by their last axis is not computed with those of others", op)
				}
			}
		}
	}
	return nodes, nil
}

// gathered returns values of all that execute the program together, one slice for each; nil
// for one alone.
func (r *run) gathered(own ...[]float32) ([][]float32, error) {
	if r.gather == nil {
		return nil, nil
	}
	together := slices.Concat(own...)
	all, err := r.gather(together)
	if err != nil {
		return nil, err
	}
	return slices.Collect(slices.Chunk(all, len(together))), nil
}

// meanOfAll replaces the mean and the variance of one's own values, by channel, by those of
// all: the variance of all is the mean of the variances, and the variance of the means.
func (r *run) meanOfAll(mean, variance []float32) error {
	all, err := r.gathered(mean, variance)
	if err != nil || all == nil {
		return err
	}
	channels, n := len(mean), float64(len(all))
	for c := range channels {
		var m, v float64
		for _, one := range all {
			m += float64(one[c])
			v += float64(one[channels+c])
		}
		m, v = m/n, v/n
		for _, one := range all {
			d := float64(one[c]) - m
			v += d * d / n
		}
		mean[c], variance[c] = float32(m), float32(v)
	}
	return nil
}

// sumOfAll replaces two sums of one's own values, by channel, by those of all, and returns how
// many these are.
func (r *run) sumOfAll(first, second []float64) (replicas int, err error) {
	if r.gather == nil {
		return 1, nil
	}
	channels := len(first)
	own := make([]float32, 0, 2*channels)
	for _, v := range slices.Concat(first, second) {
		own = append(own, float32(v))
	}
	all, err := r.gathered(own)
	if err != nil {
		return 0, err
	}
	clear(first)
	clear(second)
	for _, one := range all {
		for c := range channels {
			first[c] += float64(one[c])
			second[c] += float64(one[channels+c])
		}
	}
	return len(all), nil
}
