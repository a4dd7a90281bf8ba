package run

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// implementations lists the ways to compute operations, for each kind the fastest first:
// an operation gets the first that accepts it. Another precision or instruction set is a
// row here, before those that it is faster than.
var implementations = []candidate{
	candidateOf(dtypes.BFloat16, acceptsWinogradBF16, newWinogradBF16),
	candidateOf(dtypes.BFloat16, acceptsBF16, newDirectBF16),
	candidateOf(anyType, acceptsTrainedBF16, newTrainedBF16),
	candidateOf(anyType, acceptsWinogradI8, newWinogradI8),
	candidateOf(anyType, acceptsI8, newDirectI8),
	candidateOf(anyType, acceptsRounded, newDirectRounded),
	candidateOf(dtypes.Float32, acceptsWinograd, newWinograd),
	candidateOf(dtypes.Float32, acceptsPhases, newPhased),
	candidateOf(dtypes.Float32, always, newDirect),
	candidateOf(dtypes.BFloat16, always, newFamilyBF16),
	candidateOf(anyType, acceptsTrainedFamilyBF16, newTrainedFamilyBF16),
	candidateOf(anyType, acceptsFamilyI8, newFamilyI8),
	candidateOf(dtypes.Float32, always, newFamily),
	candidateOf(anyType, acceptsBlockGradient, newBlockGradient),
	candidateOf(dtypes.Float32, acceptsWinogradGradient, newWinogradGradient),
	candidateOf(dtypes.Float32, always, newSummed),
	candidateOf(dtypes.BFloat16, always, newPoolBF16),
	candidateOf(dtypes.Uint8, always, newPoolU8),
	candidateOf(dtypes.Float32, always, newPool),
	candidateOf(dtypes.Float32, always, newPoolGradient),
	candidateOf(anyType, acceptsNormalization, newNormalization),
	candidateOf(anyType, acceptsNormalizationGradient, newNormalizationGradient),
	candidateOf(dtypes.Float32, always, newElementwise),
	candidateOf(dtypes.Float32, always, newReduction),
	candidateOf(anyType, always, newCopying),
	candidateOf(dtypes.Float32, always, newReshaping),
	candidateOf(dtypes.Float32, always, newPadding),
	candidateOf(dtypes.Float32, always, newRandom),
	candidateOf(anyType, acceptsConversion, newConversion),
	candidateOf(anyType, always, newDelegated),
}

// A candidate is one way to compute a kind of operations.
type candidate struct {
	// take returns an implementation of the operation, or nil where this is not for it.
	take func(c *chooser, o plan.Operation) implementation
}

// anyType is for implementations that do not look at the elements.
const anyType = dtypes.InvalidDType

// candidateOf is the candidate for operations O on tensors of a type.
func candidateOf[O plan.Operation, I implementation](dtype dtypes.DType, accepts func(*chooser, O) bool, make func(*chooser, O) I) candidate {
	return candidate{func(c *chooser, o plan.Operation) implementation {
		typed, ok := o.(O)
		other := func(t *plan.Tensor) bool { return dtype != anyType && t.DType != dtype }
		if !ok || slices.ContainsFunc(o.Reads(), other) || slices.ContainsFunc(o.Writes(), other) || !accepts(c, typed) {
			return nil
		}
		return make(c, typed)
	}}
}

func always[O plan.Operation](*chooser, O) bool { return true }

// Choose returns how the implementations of a program are chosen.
func (m *Machine) Choose() plan.Choose {
	c := &chooser{m, newTables()}
	return func(o plan.Operation) (plan.Implementation, error) {
		for _, candidate := range implementations {
			if chosen := candidate.take(c, o); chosen != nil {
				return chosen, nil
			}
		}
		return nil, fmt.Errorf("no implementation for %T of %v to %v", o, o.Reads(), o.Writes())
	}
}
