package weights

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A Source is a parameter with a way to get its values in native order: Values
// fills a slice of the parameter's size, and Int8s does where the parameter is of 8-bit
// integers.
type Source struct {
	arch.Parameter
	Values func(dst []float32) error
	Int8s  func(dst []int8) error
}

// Sources returns the tensors as what Write takes.
func Sources(tensors []Tensor) []Source {
	sources := make([]Source, len(tensors))
	for i, t := range tensors {
		sources[i] = Source{Parameter: t.Parameter, Values: t.Read}
		if t.DType == dtypes.Int8 {
			sources[i].Int8s = t.ReadInt8s
		}
	}
	return sources
}

// Write writes all parameters of one network, in the order of their use, as a file
// of the given layout in float32, or integers where they are, in the format that the ending of its name tells:
// safetensors where no format has the ending. The file appears whole or not at all;
// one that was there before stays when writing fails.
func Write(path string, to Layout, metadata Metadata, sources []Source) error {
	format, err := formats().writable(path)
	if err != nil {
		return err
	}
	l, err := to.row()
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	parameters := make([]arch.Parameter, len(sources))
	for i, s := range sources {
		parameters[i] = s.Parameter
	}
	names, err := l.names(parameters)
	if err != nil {
		return fmt.Errorf("write %s in the layout %q: %w", path, to, err)
	}
	text, err := metadata.encode(format.framework, l)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	tensors := make([]tensorfile.Tensor, len(sources))
	for i, s := range sources {
		if s.Int8s != nil {
			if to != Native || !format.int8s {
				return fmt.Errorf("write %s: %s is of 8-bit integers, which only files of the layout %s in the formats %s hold; convert the weights that were quantised instead",
					path, s.Name, Native, strings.Join(formats().withInt8s(), " and "))
			}
			tensors[i] = tensorfile.Tensor{Name: names[i], Shape: s.Shape, Int8s: s.Int8s}
			continue
		}
		tensors[i] = tensorfile.Tensor{Name: names[i], Shape: l.shape(s.Parameter), Values: func(dst []float32) error {
			if l.axes(len(s.Shape)) == nil {
				return s.Values(dst)
			}
			native := make([]float32, len(dst))
			if err := s.Values(native); err != nil {
				return err
			}
			fromNative(dst, native, s.Shape, l.axes(len(s.Shape)))
			return nil
		}}
	}
	return format.write(path, text, tensors)
}
