package train

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// namedValues are the values of one parameter.
type namedValues struct {
	arch.Parameter
	values []float32
}

// values copies those of a parameter in a scope.
func (s *stepper) values(scope string, p arch.Parameter) ([]float32, error) {
	value, err := s.variable(scope, p).Value()
	if err != nil {
		return nil, err
	}
	values, err := tensors.CopyFlatData[float32](value)
	if err != nil {
		return nil, fmt.Errorf("the values of %s: %w", p.Name, err)
	}
	return values, nil
}

// averaged returns all parameters: their averages, or where they are frozen themselves.
func (s *stepper) averaged() ([]namedValues, error) {
	all := make([]namedValues, len(s.parameters.all))
	for i, p := range s.parameters.all {
		scope := averageScope
		if s.variable(scope, p) == nil {
			scope = ""
		}
		values, err := s.values(scope, p)
		if err != nil {
			return nil, err
		}
		all[i] = namedValues{p, values}
	}
	return all, nil
}

// A section is a part of the state that lies in a checkpoint, under a name of its own.
type section struct {
	name  string
	scope string
	of    []arch.Parameter
}

// parametersName is the section of the parameters themselves.
const parametersName = "parameters"

// tensor is the name of a parameter's values in a checkpoint.
func (x section) tensor(p arch.Parameter) string { return x.name + "/" + p.Name }

func (s *stepper) sections() []section {
	all := []section{
		{parametersName, "", s.parameters.all},
		{averageScope, averageScope, s.parameters.averaged()},
	}
	for _, slot := range s.optimizer.slots() {
		all = append(all, section{slot.name, slot.name, s.parameters.trained})
	}
	return all
}
