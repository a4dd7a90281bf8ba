package export

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// A builder makes the operations of a network's layers. What a layer makes is called by the
// layer's name, but the last one's, which is called by what it is.
type builder struct {
	onnx.Model
	parameters    map[string]weights.Source
	arithmetic    *arithmetic
	countsPadding bool
	keepsNorm     bool // in operations of its own
	images        string
	values        []string // what the layers make
}

func newBuilder(d *arch.Description, sources []weights.Source, countsPadding bool) (*builder, error) {
	b := &builder{parameters: map[string]weights.Source{}, countsPadding: countsPadding}
	for _, s := range sources {
		b.parameters[s.Name] = s
	}
	for _, p := range d.Tensors {
		s, ok := b.parameters[p.Name]
		if !ok {
			return nil, fmt.Errorf("expected values of %s, found none", p.Name)
		}
		integers := p.DType == dtypes.Int8
		if !slices.Equal(s.Shape, p.Shape) || integers && s.Int8s == nil || !integers && s.Values == nil {
			return nil, fmt.Errorf("%s: expected %s values of shape %v, found shape %v of %s", p.Name, p.DType, p.Shape, s.Shape, s.DType)
		}
	}
	return b, nil
}

// operation adds one with one output, after which it is called, and returns that.
func (b *builder) operation(operator, output string, inputs []string, attributes ...onnx.Attribute) string {
	b.Operations = append(b.Operations, onnx.Operation{Operator: operator, Name: output, Inputs: inputs, Outputs: []string{output}, Attributes: attributes})
	return output
}

// constant adds values that are known.
func (b *builder) constant(name string, shape []int, values ...float32) string {
	b.Constants = append(b.Constants, onnx.Constant{Name: name, Type: onnx.Float32, Shape: shape, Values: func(dst []float32) error {
		copy(dst, values)
		return nil
	}})
	return name
}

// input adds what the network takes, and what becomes of it before the first layer.
func (b *builder) input(o Options, p *vision.Preprocessing) {
	if !o.Pixels {
		b.images = Images
		b.Inputs = []onnx.Port{{Name: Images, Type: onnx.Float32, Batch: batch, Shape: []int{3, p.Size, p.Size}}}
		return
	}
	b.Inputs = []onnx.Port{{Name: Pixels, Type: onnx.Uint8, Batch: batch, Shape: []int{p.Size, p.Size, 3}}}
	var scale, offset [3]float32
	for c := range 3 {
		mean, std := float64(p.Mean[c]), float64(p.Std[c])
		scale[c], offset[c] = float32(1/(255*std)), float32(-mean/std)
	}
	perChannel := []int{1, 3, 1, 1}
	x := b.operation("Transpose", "preprocessing/transpose", []string{Pixels}, onnx.Ints("perm", 0, 3, 1, 2))
	x = b.cast(x, "preprocessing/cast", onnx.Float32)
	x = b.operation("Mul", "preprocessing/scale", []string{x, b.constant("preprocessing/factor", perChannel, scale[:]...)})
	b.images = b.operation("Add", Images, []string{x, b.constant("preprocessing/offset", perChannel, offset[:]...)})
}

// outputName is what the model's output is called.
func (b *builder) outputName(o Options, options arch.Options) string {
	switch {
	case o.Probabilities:
		return Probabilities
	case options.HasClasses():
		return Logits
	case options.Head.Output == arch.OutputEmbedding:
		return Embedding
	}
	return Features
}

// probabilities are made of the logits.
func (b *builder) probabilities(options arch.Options) {
	const classes = 1 // the axis
	if options.Multilabel() {
		b.operation("Sigmoid", Probabilities, []string{Logits})
		return
	}
	b.operation("Softmax", Probabilities, []string{Logits}, onnx.Int("axis", classes))
}

// last is what the output of the layer at a place is called where that is the last.
func (b *builder) last(at, layers int, o Options, options arch.Options) string {
	if at < layers-1 {
		return ""
	}
	o.Probabilities = false
	return b.outputName(o, options)
}

// layer adds the operations of one. Where a name is given, its output has that.
func (b *builder) layer(l arch.Layer, name string) error {
	if name == "" {
		name = l.Name
	}
	at := len(b.values)
	var inputs []string
	for _, in := range l.Inputs {
		if in < 0 {
			inputs = append(inputs, b.images)
		} else {
			inputs = append(inputs, b.values[in])
		}
	}
	b.values = append(b.values, name)
	rounding := b.arithmetic.rounding(at, l)
	activated := l.Activation != "" && (rounding == nil || !rounding.activates)
	// before is what comes before the layer's last operation.
	before := func(operation string, more bool) string {
		if more {
			return l.Name + "/" + operation
		}
		return name
	}
	more := activated || rounding != nil
	exact := before("exact", rounding != nil)
	const features = 1 // the axis; that of channels, too
	var x string
	switch l.Kind {
	case arch.Convolution:
		if b.keepsNorm && b.isNormalised(l) {
			x = b.operation("Conv", before("convolution", true), b.unfolded(l, inputs), window(l)...)
			x = b.norm(l, before("normalized", more), x)
			break
		}
		kernel, bias, err := b.arithmetic.weights(at, l)
		if err != nil {
			return err
		}
		x = b.operation("Conv", before("convolution", more), append(inputs, kernel, bias), window(l)...)
	case arch.MaxPool:
		x = b.operation("MaxPool", exact, inputs, window(l)...)
	case arch.AveragePool:
		counts := 0
		if b.countsPadding {
			counts = 1
		}
		x = b.operation("AveragePool", exact, inputs, append(window(l), onnx.Int("count_include_pad", counts))...)
	case arch.GlobalAveragePool, arch.GlobalMaxPool:
		operator := map[string]string{arch.GlobalAveragePool: "GlobalAveragePool", arch.GlobalMaxPool: "GlobalMaxPool"}[l.Kind]
		x = b.operation(operator, before("pool", true), []string{b.arithmetic.wide(inputs[0])})
		x = b.operation("Flatten", name, []string{x}, onnx.Int("axis", features))
	case arch.Concat:
		x = b.operation("Concat", exact, inputs, onnx.Int("axis", features))
	case arch.Sum:
		if l.Scale != 1 && !b.arithmetic.scaled {
			inputs[1] = b.operation("Mul", l.Name+"/scaled", []string{inputs[1], b.constant(l.Name+"/scale", []int{}, float32(l.Scale))})
		}
		x = b.operation("Add", before("add", more), inputs)
	case arch.Dense:
		if b.keepsNorm && b.isNormalised(l) {
			x = b.operation("Gemm", before("dense", true), b.unfolded(l, inputs))
			x = b.norm(l, before("normalized", more), x)
			break
		}
		kernel, bias := b.folded(l, onnx.Float32, 1)
		x = b.operation("Gemm", before("dense", more), append(inputs, kernel, bias))
	case arch.BatchNorm:
		x = b.norm(l, before("normalized", more), inputs[0])
	case arch.Elementwise:
		x = inputs[0]
	case arch.Normalize:
		const euclidean = 2
		x = b.operation("LpNormalization", name, inputs, onnx.Int("axis", features), onnx.Int("p", euclidean))
	case arch.Dropout:
		b.values[len(b.values)-1] = inputs[0] // which does nothing while a network predicts
		return nil
	default:
		return fmt.Errorf("a layer of the kind %q cannot be exported yet", l.Kind)
	}
	if activated {
		if err := b.activation(l, exact, x); err != nil {
			return err
		}
		x = exact
	}
	if rounding != nil {
		rounding.round(x, name)
	}
	return nil
}

func (b *builder) activation(l arch.Layer, name, x string) error {
	switch l.Activation {
	case "relu":
		b.operation("Relu", name, []string{x})
	case "sigmoid":
		b.operation("Sigmoid", name, []string{x})
	case "tanh":
		b.operation("Tanh", name, []string{x})
	case "swish":
		share := b.operation("Sigmoid", l.Name+"/sigmoid", []string{x})
		b.operation("Mul", name, []string{x, share})
	default:
		return fmt.Errorf("the activation %q cannot be exported yet", l.Activation)
	}
	return nil
}

// window are the attributes of an operation with one. Networks have SAME padding with
// stride 1 and odd windows alone, where it does not depend on the images' size.
func window(l arch.Layer) []onnx.Attribute {
	h, w := l.Kernel[0], l.Kernel[1]
	var top, left int
	if l.Padding == "SAME" {
		top, left = (h-1)/2, (w-1)/2
	}
	return []onnx.Attribute{
		onnx.Ints("kernel_shape", h, w), onnx.Ints("strides", l.Stride, l.Stride),
		onnx.Ints("pads", top, left, top, left),
	}
}

// parameter adds one of the network's as it is.
func (b *builder) parameter(name string) string {
	s := b.parameters[name]
	b.Constants = append(b.Constants, onnx.Constant{Name: name, Type: onnx.Float32, Shape: s.Shape, Values: s.Values})
	return name
}

// has reports whether the network has a parameter.
func (b *builder) has(name string) bool { _, ok := b.parameters[name]; return ok }
