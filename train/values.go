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

// vector copies the values of a variable of the store.
func (s *stepper) vector(name string) ([]float32, error) {
	v := s.store.GetVariable("/" + name)
	if v == nil {
		return nil, fmt.Errorf("there is no variable %s", name)
	}
	value, err := v.Value()
	if err != nil {
		return nil, err
	}
	return tensors.CopyFlatData[float32](value)
}

// raw returns the parameters as the last step left them.
func (s *stepper) raw() ([]namedValues, error) {
	all := make([]namedValues, len(s.parameters.all))
	for i, p := range s.parameters.all {
		values, err := s.vector(p.Name)
		if err != nil {
			return nil, err
		}
		all[i] = namedValues{p, values}
	}
	return all, nil
}

// averaged returns all parameters: their averages, or where they are frozen themselves.
func (s *stepper) averaged() ([]namedValues, error) {
	all, err := s.raw()
	if err != nil {
		return nil, err
	}
	average, err := s.named(averageName, s.parameters.averaged())
	if err != nil {
		return nil, err
	}
	byName := map[string][]float32{}
	for _, a := range average {
		byName[a.Name] = a.values
	}
	for i, p := range all {
		if values, ok := byName[p.Name]; ok {
			all[i].values = values
		}
	}
	return all, nil
}

// named divides a vector of the store into its parameters.
func (s *stepper) named(vector string, some []arch.Parameter) ([]namedValues, error) {
	values, err := s.vector(vector)
	if err != nil {
		return nil, err
	}
	parts := make([]namedValues, len(some))
	for i, p := range some {
		parts[i] = namedValues{p, values[:p.Size():p.Size()]}
		values = values[p.Size():]
	}
	return parts, nil
}

// A section is a part of the state as it lies in a checkpoint: under a name of its own,
// by parameter.
type section struct {
	name   string
	vector string // of the store; the parameters themselves when empty
	of     []arch.Parameter
}

func (s *stepper) sections() []section {
	all := []section{
		{"parameters", "", s.parameters.all},
		{"average", averageName, s.parameters.averaged()},
	}
	for _, slot := range s.optimizer.slots() {
		all = append(all, section{slot.name, slotName(slot), s.parameters.trained})
	}
	return all
}
