package golden

import (
	"strings"

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
	hasBias := map[string]bool{}
	for _, p := range parameters {
		if layer, ok := strings.CutSuffix(p.Name, "/biases"); ok {
			hasBias[layer] = true
		}
	}
	return func(yield func(string, *tensors.Tensor) bool) {
		for _, p := range parameters {
			layer, _ := strings.CutSuffix(p.Name, "/weights")
			values := Parameter(salt, p.Name, p.Shape, hasBias[layer])
			if !yield(p.Name, tensors.FromFlatDataAndDimensions(values, p.Shape...)) {
				return
			}
		}
	}
}
