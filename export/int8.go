package export

import (
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// signedZero is the integer that stands for 0 among activations that can be negative.
const signedZero = 128

// A scale is what the integers of an activation are multiples of.
type scale struct {
	value        float32
	signed       bool
	factor, zero string // the constants
}

// int8s computes as arch.Int8 does. Integers are written as pairs of QuantizeLinear and
// DequantizeLinear around operations in float32, which runtimes put operations of integers
// in the place of.
func (b *builder) int8s(network *arch.Network, d *arch.Description, q *weights.Quantization) (*arithmetic, error) {
	activations, err := network.Activations()
	if err != nil {
		return nil, err
	}
	scales := map[int]*scale{}
	for _, a := range activations {
		value, err := b.read(a.Name, 1)
		if err != nil {
			return nil, err
		}
		s, err := b.scale(a.Name, float32(value[0]), a.Signed)
		if err != nil {
			return nil, err
		}
		for _, at := range a.Layers {
			scales[at] = s
		}
	}
	for at := range branches(d) {
		name := d.Layers[at].Name
		var value float32
		if q != nil {
			value = q.Branches[name]
		}
		if value == 0 {
			return nil, fmt.Errorf("the weights were quantised without the scale of %s, which is added in 8-bit integers: quantise them again", name)
		}
		if scales[at], err = b.scale(name+"/"+arch.ActivationScale, value, true); err != nil {
			return nil, err
		}
	}
	return &arithmetic{
		opset: onnx.Opset,
		weights: func(_ int, l arch.Layer) (kernel, biases string, err error) {
			if l.Inputs[0] < 0 {
				kernel, biases = b.folded(l, onnx.Float32, 1)
				return kernel, biases, nil
			}
			return b.integers(l, scales[l.Inputs[0]].value)
		},
		rounding: func(at int, l arch.Layer) *rounding {
			s := scales[at]
			if s == nil {
				return nil
			}
			return &rounding{
				round:     func(x, name string) { b.quantized(x, name, s) },
				activates: l.Activation == "relu" && !s.signed,
			}
		},
		wide:   func(x string) string { return x },
		scaled: true,
	}, nil
}

// scale adds the constants of one.
func (b *builder) scale(name string, value float32, signed bool) (*scale, error) {
	if !(value > 0) || math.IsInf(float64(value), 0) {
		return nil, fmt.Errorf("%s is %g, expected a finite number above 0", name, value)
	}
	s := &scale{value: value, signed: signed, zero: name + "/zero"}
	zero := int32(0)
	if signed {
		zero = signedZero
	}
	s.factor = b.constant(name, []int{}, value)
	b.Constants = append(b.Constants, onnx.Constant{Name: s.zero, Type: onnx.Uint8, Shape: []int{}, Integers: []int32{zero}})
	return s, nil
}

// quantized adds the rounding of values to integers, and the values that these stand for.
func (b *builder) quantized(x, name string, s *scale) {
	x = b.operation("QuantizeLinear", name+"/quantized", []string{x, s.factor, s.zero})
	b.operation("DequantizeLinear", name, []string{x, s.factor, s.zero})
}

// biasLimit is what biases may be of, as 32-bit integers, so that there is room for the sums
// that they are added to.
const biasLimit = 1 << 30

// integers adds the weights of a convolution of activations with the given scale, and its
// biases, which are 32-bit integers of the product of the scales. Where a bias is too large
// for that, the weights are next to nothing beside it, and get a larger scale.
func (b *builder) integers(l arch.Layer, input float32) (kernel, biases string, err error) {
	kernel, biases = l.Name+"/weights", l.Name+"/biases"
	source := b.parameters[kernel]
	native := source.Shape
	channels := native[len(native)-1]
	factors, err := b.read(l.Name+"/"+arch.WeightScale, channels)
	if err != nil {
		return "", "", err
	}
	offsets, err := b.read(biases, channels)
	if err != nil {
		return "", "", err
	}
	weightScales, biasScales := make([]float32, channels), make([]float32, channels)
	shares, whole := make([]float64, channels), make([]int32, channels)
	for c, factor := range factors {
		if !(factor > 0) || math.IsInf(factor, 0) {
			return "", "", fmt.Errorf("%s[%d] is %g, expected a finite number above 0", l.Name+"/"+arch.WeightScale, c, factor)
		}
		if least := math.Abs(offsets[c]) / (biasLimit * float64(input)); factor < least {
			shares[c], factor = factor/least, least
		} else {
			shares[c] = 1
		}
		weightScales[c] = float32(factor)
		biasScales[c] = weightScales[c] * input
		whole[c] = int32(math.RoundToEven(offsets[c] / float64(biasScales[c])))
	}
	shape := []int{channels, native[2], native[0], native[1]}
	values := onnx.Constant{Name: kernel + "/quantized", Type: onnx.Int8, Shape: shape, Int8s: func(dst []int8) error {
		integers := make([]int8, len(dst))
		if err := source.Int8s(integers); err != nil {
			return err
		}
		for i, v := range integers {
			if share := shares[i%channels]; share != 1 {
				integers[i] = int8(math.RoundToEven(float64(v) * share))
			}
		}
		channelsFirst(dst, integers, native)
		return nil
	}}
	b.dequantized(kernel, values, weightScales)
	b.dequantized(biases, onnx.Constant{Name: biases + "/quantized", Type: onnx.Int32, Shape: []int{channels}, Integers: whole}, biasScales)
	return kernel, biases, nil
}

// dequantized adds constants of integers with a scale for each channel, the first axis, and
// the values that they stand for.
func (b *builder) dequantized(name string, integers onnx.Constant, scales []float32) {
	zero := onnx.Constant{Name: name + "/zero", Type: integers.Type, Shape: []int{len(scales)}}
	if zero.Type == onnx.Int8 {
		zero.Int8s = func([]int8) error { return nil }
	} else {
		zero.Integers = make([]int32, len(scales))
	}
	b.Constants = append(b.Constants, integers, zero)
	factors := b.constant(name+"/scale", []int{len(scales)}, scales...)
	const channels = 0 // the axis
	b.operation("DequantizeLinear", name, []string{integers.Name, factors, zero.Name}, onnx.Int("axis", channels))
}
