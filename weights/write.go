package weights

import (
	"fmt"
	"slices"
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
// of the given layout in float32, or integers where they are, in the format that the ending
// of its name tells: safetensors where no format has the ending. Where no layout is given,
// it is the format's own. The file appears whole or not at all; one that was there before
// stays when writing fails. A layout without gamma takes none but ones.
func Write(path string, to Layout, metadata Metadata, sources []Source) error {
	format, err := formats().writable(path)
	if err != nil {
		return err
	}
	if to, err = format.layout(path, to); err != nil {
		return err
	}
	l, err := to.row()
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if l.dropsGamma {
		if sources, err = withoutGamma(path, l, sources); err != nil {
			return err
		}
	}
	parameters := make([]arch.Parameter, len(sources))
	for i, s := range sources {
		parameters[i] = s.Parameter
	}
	names, err := l.names(parameters)
	if err != nil {
		return fmt.Errorf("write %s in the layout %q: %w; those that it can be written in are %s", path, to, err, join(format.layoutsFor(parameters)))
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

// layoutsFor are those of the format that the network of the parameters exists in.
func (f Format) layoutsFor(parameters []arch.Parameter) []Layout {
	var all []Layout
	for _, name := range f.writtenLayouts() {
		if l, err := name.row(); err == nil {
			if _, err := l.names(parameters); err == nil {
				all = append(all, name)
			}
		}
	}
	return all
}

// withoutGamma leaves out gamma, which must be one everywhere: a program that knows of none
// would compute something else.
func withoutGamma(path string, l layout, sources []Source) ([]Source, error) {
	var kept []Source
	layers, first := 0, ""
	for _, s := range sources {
		if !strings.HasSuffix(s.Name, "/gamma") || s.Values == nil {
			kept = append(kept, s)
			continue
		}
		values := make([]float32, s.Size())
		if err := s.Values(values); err != nil {
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
		if at := slices.IndexFunc(values, func(v float32) bool { return v != 1 }); at >= 0 {
			if layers++; first == "" {
				first = fmt.Sprintf("%s[%d] is %g", s.Name, at, values[at])
			}
		}
	}
	if layers > 0 {
		return nil, fmt.Errorf("write %s in the layout %s, whose batch norm has no gamma: expected ones, found others in %d layers (%s); write it in the layout %s, which has gamma",
			path, l.name, layers, first, Native)
	}
	return kept, nil
}
