package engine

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
)

// delegated is a program that the go backend runs as a whole.
type delegated struct {
	compute.Executable
	backend   *Backend
	constants []compute.Buffer // given to it as inputs,
	at        []int            // at these places, which increase
}

func (b *Backend) delegate(recorded *graph.Builder) (compute.Executable, error) {
	inner, err := recorded.CompileShadow()
	if err != nil {
		return nil, err
	}
	d := &delegated{Executable: inner, backend: b}
	for _, c := range recorded.StandIns() {
		buffer, err := b.Backend.BufferFromFlatData(0, c.Flat, c.Shape)
		if err != nil {
			return nil, err
		}
		d.constants, d.at = append(d.constants, buffer), append(d.at, c.Parameter)
	}
	return d, nil
}

func (d *delegated) Inputs() ([]string, []shapes.Shape) {
	names, all := d.Executable.Inputs()
	for _, at := range slices.Backward(d.at) {
		names, all = slices.Delete(slices.Clone(names), at, at+1), slices.Delete(slices.Clone(all), at, at+1)
	}
	return names, all
}

func (d *delegated) Finalize() {
	d.Executable.Finalize()
	for _, c := range d.constants {
		_ = c.Finalize()
	}
	d.constants, d.at = nil, nil
}

func (d *delegated) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	inner, err := d.backend.unwrap(inputs)
	if err != nil {
		return nil, err
	}
	if names, _ := d.Inputs(); len(inner) != len(names) {
		return nil, fmt.Errorf("cpu: the program takes %d inputs, found %d", len(names), len(inner))
	}
	for i, at := range d.at {
		if inner = slices.Insert(inner, at, d.constants[i]); len(donate) > 0 {
			donate = slices.Insert(slices.Clone(donate), at, false)
		}
	}
	outputs, err := d.Executable.Execute(inner, donate, device)
	if err != nil {
		return nil, err
	}
	for i, o := range outputs {
		outputs[i] = &buffer{o, d.backend}
	}
	return outputs, nil
}
