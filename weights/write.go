package weights

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
)

// A Source is a parameter with a way to get its values in native order: Values
// fills a slice of the parameter's size.
type Source struct {
	arch.Parameter
	Values func(dst []float32) error
}

// Sources returns the tensors as what Write takes.
func Sources(tensors []Tensor) []Source {
	sources := make([]Source, len(tensors))
	for i, t := range tensors {
		sources[i] = Source{Parameter: t.Parameter, Values: t.Read}
	}
	return sources
}

// Write writes all parameters of one network, in the order of their use, as a
// safetensors file of the given layout in F32. The file appears whole or not at
// all; one that was there before stays when writing fails.
func Write(path string, layout Layout, metadata Metadata, sources []Source) error {
	parameters := make([]arch.Parameter, len(sources))
	for i, s := range sources {
		parameters[i] = s.Parameter
	}
	names, err := layout.names(parameters)
	if err != nil {
		return fmt.Errorf("write %s in the layout %q: %w", path, layout, err)
	}
	text, err := metadata.encode(layout)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	outputs := make([]safetensors.Output, len(sources))
	for i, s := range sources {
		outputs[i] = safetensors.Output{Name: names[i], Shape: layout.shape(s.Shape), Values: func(dst []float32) error {
			if layout == Native || len(s.Shape) == 1 {
				return s.Values(dst)
			}
			native := make([]float32, len(dst))
			if err := s.Values(native); err != nil {
				return err
			}
			layout.fromNative(dst, native, s.Shape)
			return nil
		}}
	}
	return safetensors.Write(path, text, outputs)
}
