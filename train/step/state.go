package step

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// The scopes of variables that stand beside the parameters, each under its name; those
// of the optimiser are named after its slots.
const (
	averageScope  = "average"
	gradientScope = "gradient" // the sum over the micro-batches of a step
)

// create makes all variables, in the backend's memory alone: they may take most of what
// there is.
func (s *Step) create(values func(dst []float32, p arch.Parameter) error) error {
	var all []error
	add := func(scope string, p arch.Parameter, flat []float32) {
		value, err := onBackend(s.backend, flat, p.Shape...)
		if err != nil {
			all = append(all, err)
			return
		}
		_, err = s.store.CreateVariable(scope+"/"+p.Name, value)
		all = append(all, err)
	}
	largest := 0
	for _, p := range s.parameters.All {
		largest = max(largest, p.Size())
	}
	scratch := make([]float32, largest)
	filled := func(value float32, p arch.Parameter) []float32 {
		flat := scratch[:p.Size()]
		for i := range flat {
			flat[i] = value
		}
		return flat
	}
	averaged := map[string]bool{}
	for _, p := range s.parameters.averaged() {
		averaged[p.Name] = true
	}
	for _, p := range s.parameters.All {
		flat := scratch[:p.Size()]
		if err := values(flat, p); err != nil {
			return err
		}
		add("", p, flat)
		if averaged[p.Name] {
			add(averageScope, p, flat)
		}
	}
	for _, p := range s.parameters.Trained {
		for _, slot := range s.optimizer.slots() {
			add(slot.name, p, filled(slot.initial, p))
		}
		if s.accumulates() {
			add(gradientScope, p, filled(0, p))
		}
	}
	return errors.Join(all...)
}

// variable returns that of a parameter in a scope; in the empty one, the parameter
// itself.
func (s *Step) variable(scope string, p arch.Parameter) *model.Variable {
	return s.store.GetVariable(model.JoinPath("/", scope, p.Name))
}

func (s *Step) values(scope string, p arch.Parameter) ([]float32, error) {
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

// Values are those of one parameter.
type Values struct {
	arch.Parameter
	Flat []float32
}

// Averages returns copies of all parameters: their averages, or where they are frozen
// themselves.
func (s *Step) Averages() ([]Values, error) {
	all := make([]Values, len(s.parameters.All))
	for i, p := range s.parameters.All {
		scope := averageScope
		if s.variable(scope, p) == nil {
			scope = ""
		}
		flat, err := s.values(scope, p)
		if err != nil {
			return nil, err
		}
		all[i] = Values{p, flat}
	}
	return all, nil
}

// A Section is a part of the state between two steps, which Sections lists whole: the
// parameters, their averages, or a slot of the optimiser.
type Section struct {
	Name       string
	Parameters []arch.Parameter
	scope      string
}

// ParametersSection names the section of the parameters themselves.
const ParametersSection = "parameters"

// Tensor is the name of a parameter's values in the section.
func (x Section) Tensor(p arch.Parameter) string { return x.Name + "/" + p.Name }

// Sections lists the parts of the state.
func (s *Step) Sections() []Section {
	all := []Section{
		{ParametersSection, s.parameters.All, ""},
		{averageScope, s.parameters.averaged(), averageScope},
	}
	for _, slot := range s.optimizer.slots() {
		all = append(all, Section{slot.name, s.parameters.Trained, slot.name})
	}
	return all
}

// Values returns a copy of a parameter's values in a section.
func (s *Step) Values(x Section, p arch.Parameter) ([]float32, error) { return s.values(x.scope, p) }

// SetValues sets a parameter's values in a section; it keeps flat.
func (s *Step) SetValues(x Section, p arch.Parameter, flat []float32) error {
	return s.variable(x.scope, p).SetValue(tensors.FromFlatDataAndDimensions(flat, p.Shape...))
}
