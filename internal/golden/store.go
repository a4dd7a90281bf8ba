package golden

import (
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// Store returns a store with generated values for all the parameters.
func Store(salt string, parameters []arch.Parameter) (*model.Store, error) {
	store := model.NewStore()
	for name, values := range Parameters(salt, parameters) {
		if _, err := store.CreateVariable(name, values); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// Parameters yields each parameter's name and generated value.
func Parameters(salt string, parameters []arch.Parameter) func(yield func(string, *tensors.Tensor) bool) {
	hasBias, fanIn := map[string]bool{}, map[string]int{}
	for _, p := range parameters {
		if layer, ok := strings.CutSuffix(p.Name, "/biases"); ok {
			hasBias[layer] = true
		}
		if layer, ok := strings.CutSuffix(p.Name, "/weights"); ok && p.DType == dtypes.Int8 {
			fanIn[layer] = p.Size() / p.Shape[len(p.Shape)-1]
		}
	}
	value := func(p arch.Parameter) *tensors.Tensor {
		if p.DType == dtypes.Int8 {
			return tensors.FromFlatDataAndDimensions(integers(salt+p.Name, p.Size()), p.Shape...)
		}
		if layer, ok := strings.CutSuffix(p.Name, "/"+arch.WeightScale); ok {
			return tensors.FromFlatDataAndDimensions(weightScale(salt+p.Name, p.Size(), fanIn[layer]), p.Shape...)
		}
		if strings.HasSuffix(p.Name, "/"+arch.ActivationScale) {
			return tensors.FromScalar(activationScale(salt + p.Name))
		}
		layer, _ := strings.CutSuffix(p.Name, "/weights")
		return tensors.FromFlatDataAndDimensions(Parameter(salt, p.Name, p.Shape, hasBias[layer] && len(fanIn) == 0), p.Shape...)
	}
	return func(yield func(string, *tensors.Tensor) bool) {
		for _, p := range parameters {
			if !yield(p.Name, value(p)) {
				return
			}
		}
	}
}
