package export

import (
	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// isNormalised reports whether batch norm comes after a convolution or a dense layer.
func (b *builder) isNormalised(l arch.Layer) bool { return b.has(l.Name + "/BatchNorm/beta") }

// unfolded adds the weights of a convolution, or of a dense layer, as they are, and its
// biases where it has any, behind the inputs.
func (b *builder) unfolded(l arch.Layer, inputs []string) []string {
	kernel := l.Name + "/weights"
	if source := b.parameters[kernel]; l.Kind == arch.Convolution {
		shape := source.Shape
		b.Constants = append(b.Constants, onnx.Constant{Name: kernel, Type: onnx.Float32, Shape: []int{shape[3], shape[2], shape[0], shape[1]}, Values: func(dst []float32) error {
			native := make([]float32, len(dst))
			if err := source.Values(native); err != nil {
				return err
			}
			channelsFirst(dst, native, shape)
			return nil
		}})
		inputs = append(inputs, kernel)
	} else {
		inputs = append(inputs, b.parameter(kernel))
	}
	if biases := l.Name + "/biases"; b.has(biases) {
		inputs = append(inputs, b.parameter(biases))
	}
	return inputs
}

// norm adds the batch norm of a layer.
func (b *builder) norm(l arch.Layer, name, x string) string {
	inputs := []string{x}
	for _, role := range []string{"gamma", "beta", "moving_mean", "moving_variance"} {
		inputs = append(inputs, b.parameter(l.Name+"/BatchNorm/"+role))
	}
	return b.operation("BatchNormalization", name, inputs, onnx.Float("epsilon", epsilon))
}
