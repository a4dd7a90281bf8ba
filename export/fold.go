package export

import (
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// epsilon is what batch norm adds to the variance.
const epsilon = 1e-3

// folded adds the weights of a convolution, or of a dense layer, with batch norm and a scale
// multiplied into them, and its biases. The weights of a convolution are outputs, inputs,
// height, width, those of a dense layer inputs, outputs.
func (b *builder) folded(l arch.Layer, dtype onnx.ElementType, scale float64) (kernel, biases string) {
	kernel, biases = l.Name+"/weights", l.Name+"/biases"
	source := b.parameters[kernel]
	shape := source.Shape
	channels := shape[len(shape)-1]
	read := func(name string) ([]float64, error) { return b.read(l.Name+"/"+name, channels) }
	norm := func() (*affine, error) {
		a, err := newAffine(channels, read, b.has(biases), b.has(l.Name+"/BatchNorm/gamma"))
		if err != nil {
			return nil, err
		}
		for i := range a.scale {
			a.scale[i] *= scale
			a.offset[i] *= scale
		}
		return a, nil
	}
	if l.Kind == arch.Convolution {
		shape = []int{channels, shape[2], shape[0], shape[1]}
	}
	b.Constants = append(b.Constants, onnx.Constant{Name: kernel, Type: dtype, Shape: shape, Values: func(dst []float32) error {
		native := make([]float32, len(dst))
		if err := source.Values(native); err != nil {
			return err
		}
		a, err := norm()
		if err != nil {
			return err
		}
		for i, v := range native {
			native[i] = float32(float64(v) * a.scale[i%channels])
		}
		if l.Kind == arch.Convolution {
			channelsFirst(dst, native, source.Shape)
		} else {
			copy(dst, native)
		}
		return finite(kernel, dst)
	}})
	b.Constants = append(b.Constants, onnx.Constant{Name: biases, Type: dtype, Shape: []int{channels}, Values: func(dst []float32) error {
		a, err := norm()
		if err != nil {
			return err
		}
		for i, v := range a.offset {
			dst[i] = float32(v)
		}
		return finite(biases, dst)
	}})
	return kernel, biases
}

// finite refuses what is too large for float32 once it is folded.
func finite(name string, values []float32) error {
	if first, _ := tensorfile.NotFinite(values); first >= 0 {
		return fmt.Errorf("%s[%d] is %g with batch norm folded into it, expected a finite number: the weights have diverged; take an earlier checkpoint", name, first, values[first])
	}
	return nil
}

// read returns the values of a parameter of one a channel.
func (b *builder) read(name string, channels int) ([]float64, error) {
	s, ok := b.parameters[name]
	if !ok || s.Values == nil || s.Size() != channels {
		return nil, fmt.Errorf("expected %s with %d values, one a channel", name, channels)
	}
	values := make([]float32, channels)
	if err := s.Values(values); err != nil {
		return nil, err
	}
	wide := make([]float64, channels)
	for i, v := range values {
		wide[i] = float64(v)
	}
	return wide, nil
}

// An affine is what becomes of each channel's sum: times scale, plus offset.
type affine struct{ scale, offset []float64 }

// newAffine is the bias that a layer has, then its batch norm.
func newAffine(channels int, read func(name string) ([]float64, error), biased, normalized bool) (*affine, error) {
	a := &affine{make([]float64, channels), make([]float64, channels)}
	for i := range a.scale {
		a.scale[i] = 1
	}
	var err error
	if biased {
		if a.offset, err = read("biases"); err != nil {
			return nil, err
		}
	}
	if !normalized {
		return a, nil
	}
	var norm [4][]float64
	for i, name := range []string{"gamma", "beta", "moving_mean", "moving_variance"} {
		if norm[i], err = read("BatchNorm/" + name); err != nil {
			return nil, err
		}
	}
	gamma, beta, mean, variance := norm[0], norm[1], norm[2], norm[3]
	for i := range a.scale {
		if !(variance[i]+epsilon > 0) {
			return nil, fmt.Errorf("BatchNorm/moving_variance[%d] is %g, expected at least 0", i, variance[i])
		}
		a.scale[i] = gamma[i] / math.Sqrt(variance[i]+epsilon)
		a.offset[i] = beta[i] + (a.offset[i]-mean[i])*a.scale[i]
	}
	return a, nil
}

// channelsFirst puts height, width, inputs, outputs into the order outputs, inputs, height,
// width.
func channelsFirst[T any](dst, src []T, shape []int) {
	cells, inputs, outputs := shape[0]*shape[1], shape[2], shape[3]
	for cell := range cells {
		for in := range inputs {
			row := src[(cell*inputs+in)*outputs:][:outputs]
			for out, v := range row {
				dst[(out*inputs+in)*cells+cell] = v
			}
		}
	}
}
