package export

import (
	"cmp"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// An arithmetic is how the trunk of a network computes in one precision. What follows it is
// float32.
type arithmetic struct {
	// opset is the version of the operators.
	opset int
	// weights adds the weights and biases of a convolution.
	weights func(at int, l arch.Layer) (kernel, biases string, err error)
	// rounding returns what becomes of the output of a layer; nil where it stays as it is.
	rounding func(at int, l arch.Layer) *rounding
	// wide returns the grid that the head takes as float32.
	wide func(x string) string
	// scaled is set where the weights have the scales of residual branches in them.
	scaled bool
}

// A rounding is what becomes of the output of a layer.
type rounding struct {
	// round adds the operations, the last of which has the name.
	round func(x, name string)
	// activates is set where that does what ReLU does.
	activates bool
}

// choose returns the arithmetic of a network's precision.
func (b *builder) choose(network *arch.Network, d *arch.Description, q *weights.Quantization) (*arithmetic, error) {
	precision := cmp.Or(network.Options().Precision, arch.Float32)
	for _, row := range []struct {
		precision arch.Precision
		choose    func() (*arithmetic, error)
	}{
		{arch.Float32, func() (*arithmetic, error) { return b.float32s(), nil }},
		{arch.BFloat16, func() (*arithmetic, error) { return b.bfloat16s(d), nil }},
		{arch.Int8, func() (*arithmetic, error) { return b.int8s(network, d, q) }},
	} {
		if row.precision == precision {
			return row.choose()
		}
	}
	return nil, fmt.Errorf("a network in %s cannot be exported yet", precision)
}

func (b *builder) float32s() *arithmetic {
	return &arithmetic{
		opset: onnx.Opset,
		weights: func(_ int, l arch.Layer) (kernel, biases string, err error) {
			kernel, biases = b.folded(l, onnx.Float32, 1)
			return kernel, biases, nil
		},
		rounding: func(int, arch.Layer) *rounding { return nil },
		wide:     func(x string) string { return x },
	}
}

// branches are the convolutions whose outputs are only added to sums, by their places, with
// what they are multiplied by.
func branches(d *arch.Description) map[int]float64 {
	scales := map[int]float64{}
	for _, l := range d.Layers {
		if l.Kind == arch.Sum {
			scales[l.Inputs[1]] = l.Scale
		}
	}
	return scales
}
