package export

import (
	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// bfloat16s computes as arch.BFloat16 does: the first convolution in float32, all behind it
// up to the end of the grid in bfloat16. As the operators demand it, biases are bfloat16,
// too, and a residual branch is rounded before it is added.
func (b *builder) bfloat16s(d *arch.Description) *arithmetic {
	scales := branches(d)
	return &arithmetic{
		opset: onnx.OpsetBFloat16,
		weights: func(at int, l arch.Layer) (kernel, biases string, err error) {
			dtype, scale := onnx.BFloat16, 1.0
			if l.Inputs[0] < 0 {
				dtype = onnx.Float32
			}
			if s, ok := scales[at]; ok {
				scale = s
			}
			kernel, biases = b.folded(l, dtype, scale)
			return kernel, biases, nil
		},
		rounding: func(_ int, l arch.Layer) *rounding {
			if l.Kind != arch.Convolution || l.Inputs[0] >= 0 {
				return nil
			}
			return &rounding{round: func(x, name string) { b.cast(x, name, onnx.BFloat16) }}
		},
		wide:   func(x string) string { return b.cast(x, x+"/wide", onnx.Float32) },
		scaled: true,
	}
}

// cast changes the type of elements.
func (b *builder) cast(x, name string, to onnx.ElementType) string {
	return b.operation("Cast", name, []string{x}, onnx.Int("to", int(to)))
}
