package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// attribute reads one of an operation.
func (f *file) attribute(in io.ReaderAt, n *node, data []byte, at int64) error {
	var name string
	return wire.Each(data, func(field wire.Field) (err error) {
		switch field.Number {
		case 1:
			name = string(field.Data)
		case 2:
			n.floats[name] = float64(math.Float32frombits(uint32(field.Bits)))
		case 3:
			n.ints[name] = append(n.ints[name], int(int64(field.Bits)))
		case 4:
			n.texts[name] = string(field.Data)
		case 5:
			n.value, err = f.initializer(in, at+int64(field.At), at+int64(field.At)+int64(len(field.Data)), map[string]opened{}, func(string) (io.ReaderAt, int64, error) {
				return nil, 0, fmt.Errorf("a constant inside an operation in external data")
			})
		case 8:
			if field.Kind == protowire.VarintType {
				n.ints[name] = append(n.ints[name], int(int64(field.Bits)))
				return nil
			}
			for rest := field.Data; len(rest) > 0; {
				v, m := protowire.ConsumeVarint(rest)
				if m < 0 {
					return wire.ErrBroken
				}
				n.ints[name] = append(n.ints[name], int(int64(v)))
				rest = rest[m:]
			}
		}
		return err
	})
}

// numbersLimit bounds the constants that are computed with.
const numbersLimit = 1 << 16

// builder makes the Graph.
type builder struct {
	*file
	graph    *tensorfile.Graph
	values   map[string]int     // nodes by what they make
	channels map[string]channel // of the images, by what they are called
	padded   map[string]surrounded
}

// Graph returns what the model computes.
func (f *file) Graph() (*tensorfile.Graph, error) {
	b := builder{f, &tensorfile.Graph{}, map[string]int{}, map[string]channel{}, map[string]surrounded{}}
	for _, i := range f.inputs {
		if f.constant[i.name] != nil {
			continue
		}
		b.values[i.name] = tensorfile.GraphInput
		if s := i.shape; len(s) == 4 {
			switch {
			case s[1] == 3 && s[2] == s[3]:
				b.graph.Side = s[2]
			case s[3] == 3 && s[1] == s[2]:
				b.graph.Side = s[1]
			}
		}
	}
	for _, n := range f.nodes {
		if n.op == "Constant" && n.value != nil && len(n.outputs) == 1 {
			f.constant[n.outputs[0]] = n.value
			continue
		}
		if n.op == "Identity" && len(n.inputs) == 1 && len(n.outputs) == 1 && f.constant[n.inputs[0]] != nil {
			f.constant[n.outputs[0]] = f.constant[n.inputs[0]] // one that several operations share
			continue
		}
		if err := b.node(n); err != nil {
			return nil, fmt.Errorf("onnx: %s: %s %.100q: %w", f.name, n.op, n.name, err)
		}
	}
	for _, name := range f.outputs {
		if at, ok := b.values[name]; ok && at >= 0 {
			b.graph.Output = at
			return b.graph, nil
		}
	}
	return nil, fmt.Errorf("onnx: %s: no output of the graph follows from images by operations that a network of this family has", f.name)
}

func (b *builder) set(n node, made tensorfile.Node) {
	b.graph.Nodes = append(b.graph.Nodes, made)
	b.values[n.outputs[0]] = len(b.graph.Nodes) - 1
}

// numbers are those of a small constant.
func (b *builder) numbers(name string) ([]float32, error) {
	c := b.constant[name]
	if c == nil {
		return nil, nil
	}
	n, ok := tensorfile.Elements(c.shape)
	if !ok || n > numbersLimit {
		return nil, fmt.Errorf("a constant of shape %s", tensorfile.ShapeText(c.shape))
	}
	out := make([]float32, n)
	return out, b.tensor(c).Values(out)
}

// whole are the numbers of a small constant of whole ones.
func (b *builder) whole(name string) ([]int, error) {
	c := b.constant[name]
	if c == nil || c.dtype != int64Type || c.length > 1<<10 {
		return nil, nil
	}
	data := c.values
	if c.at >= 0 {
		var err error
		if data, err = wire.Read(c.in, c.at, c.length); err != nil {
			return nil, err
		}
	}
	var v []int
	for ; len(data) >= 8; data = data[8:] {
		v = append(v, int(int64(binary.LittleEndian.Uint64(data))))
	}
	return v, nil
}

func (b *builder) node(n node) error {
	if len(n.outputs) == 0 {
		return nil
	}
	if done, err := b.channelwise(n); done {
		return err
	}
	if done, err := b.pad(n); done {
		return err
	}
	var data []int
	var around *surrounded
	for _, in := range n.inputs {
		if at, ok := b.values[in]; ok {
			data = append(data, at)
		} else if p, ok := b.padded[in]; ok {
			if n.op != "AveragePool" {
				return fmt.Errorf("of a value with zeros around it, expected an average pooling")
			}
			data, around = append(data, p.input), &p
		}
	}
	if len(data) == 0 {
		return nil // of constants and shapes alone
	}
	made := tensorfile.Node{Name: n.name, Inputs: data, Stride: [2]int{1, 1}, ChannelsFirst: true}
	constant := func(i int) (tensorfile.Tensor, bool) {
		if i >= len(n.inputs) {
			return tensorfile.Tensor{}, false
		}
		c := b.constant[n.inputs[i]]
		if c == nil {
			return tensorfile.Tensor{}, false
		}
		return b.tensor(c), true
	}
	switch n.op {
	case "Conv":
		kernel, ok := constant(1)
		if !ok || len(kernel.Shape) != 4 {
			return fmt.Errorf("a kernel that is no initialiser of four axes")
		}
		if g := n.ints["group"]; len(g) == 1 && g[0] != 1 || slices.ContainsFunc(n.ints["dilations"], func(d int) bool { return d != 1 }) {
			return fmt.Errorf("groups or dilations, which no Inception network has")
		}
		made.Op, made.Window, made.Tensors = tensorfile.OpConvolution, [2]int{kernel.Shape[2], kernel.Shape[3]}, map[string]tensorfile.Tensor{tensorfile.RoleKernel: kernel}
		if bias, ok := constant(2); ok {
			made.Tensors[tensorfile.RoleBias] = bias
		}
		return b.windowed(n, made)
	case "MaxPool", "AveragePool":
		if size := n.ints["kernel_shape"]; len(size) == 2 {
			made.Window = [2]int{size[0], size[1]}
		}
		made.Op = map[string]string{"MaxPool": tensorfile.OpMaxPool, "AveragePool": tensorfile.OpAveragePool}[n.op]
		if mode := n.ints["ceil_mode"]; len(mode) == 1 && mode[0] != 0 {
			return fmt.Errorf("ceil_mode, which no Inception network has")
		}
		counts := n.ints["count_include_pad"]
		made.CountsPadding = n.op == "AveragePool" && len(counts) == 1 && counts[0] != 0
		if around != nil {
			if slices.ContainsFunc(n.ints["pads"], func(v int) bool { return v != 0 }) || n.texts["auto_pad"] == "SAME_UPPER" {
				return fmt.Errorf("with padding around a value that has zeros around it")
			}
			made.CountsPadding, made.Padding = true, around.pads
			n.ints["pads"] = nil
		}
		return b.windowed(n, made)
	case "BatchNormalization":
		made.Op, made.Epsilon, made.Tensors = tensorfile.OpBatchNorm, 1e-5, map[string]tensorfile.Tensor{}
		if e, ok := n.floats["epsilon"]; ok {
			made.Epsilon = math.Round(e*1e9) / 1e9 // a float32
		}
		for i, role := range []string{tensorfile.RoleGamma, tensorfile.RoleBeta, tensorfile.RoleMean, tensorfile.RoleVariance} {
			t, ok := constant(1 + i)
			if !ok {
				return fmt.Errorf("%s is no initialiser", role)
			}
			made.Tensors[role] = t
		}
	case "Gemm", "MatMul":
		kernel, ok := constant(1)
		if !ok || len(kernel.Shape) != 2 {
			return fmt.Errorf("a matrix that is no initialiser")
		}
		transposed := n.ints["transB"]
		for _, name := range []string{"alpha", "beta"} {
			if v, ok := n.floats[name]; ok && v != 1 {
				return fmt.Errorf("%s is %g, expected 1", name, v)
			}
		}
		made.Op, made.ChannelsFirst, made.Tensors = tensorfile.OpDense, len(transposed) == 1 && transposed[0] != 0, map[string]tensorfile.Tensor{tensorfile.RoleKernel: kernel}
		if bias, ok := constant(2); ok {
			made.Tensors[tensorfile.RoleBias] = bias
		}
	case "Relu", "Sigmoid", "Tanh", "Softmax":
		made.Op = tensorfile.OpActivation
		made.Function = map[string]string{"Relu": tensorfile.FunctionRelu, "Sigmoid": tensorfile.FunctionSigmoid, "Tanh": tensorfile.FunctionTanh, "Softmax": tensorfile.FunctionSoftmax}[n.op]
	case "GlobalAveragePool":
		made.Op = tensorfile.OpGlobalAverage
	case "GlobalMaxPool":
		made.Op = tensorfile.OpGlobalMax
	case "ReduceMean", "ReduceMax":
		axes := n.ints["axes"]
		if len(axes) == 0 && len(n.inputs) > 1 {
			var err error
			if axes, err = b.whole(n.inputs[1]); err != nil {
				return err
			}
		}
		sorted := slices.Sorted(slices.Values(axes))
		if !slices.Equal(sorted, []int{2, 3}) && !slices.Equal(sorted, []int{1, 2}) && !slices.Equal(sorted, []int{-2, -1}) {
			return fmt.Errorf("over the axes %v, expected height and width", axes)
		}
		made.Op = map[string]string{"ReduceMean": tensorfile.OpGlobalAverage, "ReduceMax": tensorfile.OpGlobalMax}[n.op]
	case "Concat":
		made.Op = tensorfile.OpConcat
	case "Flatten", "Reshape", "Squeeze", "Unsqueeze":
		made.Op, made.Inputs = tensorfile.OpFlatten, data[:1]
	case "Dropout":
		made.Op, made.Inputs, made.Factors = tensorfile.OpDropout, data[:1], [][]float32{{1}}
		if ratio, ok := n.floats["ratio"]; ok {
			made.Factors[0][0] = float32(1 - ratio)
		}
	case "Identity", "Cast", "Transpose":
		made.Op = tensorfile.OpSame // axes are told by the operations that have weights
	case "LpNormalization":
		const euclidean, features = 2, 1
		for name, want := range map[string][]int{"p": {euclidean}, "axis": {features, -1}} {
			if v := n.ints[name]; len(v) == 1 && !slices.Contains(want, v[0]) {
				return fmt.Errorf("%s is %d, expected %d", name, v[0], want[0])
			}
		}
		made.Op = tensorfile.OpNormalize
	case "Gather", "Slice":
		return fmt.Errorf("of values that are not the images, which no network of this family has")
	case "Shape":
		return nil
	case "Add", "Sum", "Sub", "Mul", "Div":
		return b.arithmetic(n, made, data)
	case "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger":
		return fmt.Errorf("the model is of 8-bit integers, expected float32: take the model that was quantised, or the file of inception quantize")
	default:
		return fmt.Errorf("an operation that no Inception network has")
	}
	if n.op != "Concat" && len(made.Inputs) != 1 {
		return fmt.Errorf("%d inputs that follow from images, expected one", len(made.Inputs))
	}
	b.set(n, made)
	return nil
}

// windowed adds an operation with a window.
func (b *builder) windowed(n node, made tensorfile.Node) error {
	if s := n.ints["strides"]; len(s) == 2 {
		made.Stride = [2]int{s[0], s[1]}
	}
	switch n.texts["auto_pad"] {
	case "", "NOTSET":
		if p := n.ints["pads"]; len(p) == 4 {
			made.Padding = [4]int(p)
		}
	case "SAME_UPPER":
		made.Same = true
	case "VALID":
	default:
		return fmt.Errorf("auto_pad %.40q", n.texts["auto_pad"])
	}
	if len(made.Inputs) != 1 {
		return fmt.Errorf("%d inputs that follow from images, expected one", len(made.Inputs))
	}
	b.set(n, made)
	return nil
}

// arithmetic is a sum of two values, or one with a constant: a bias, or a scale.
func (b *builder) arithmetic(n node, made tensorfile.Node, data []int) error {
	if len(data) == 2 {
		if input, ok := b.swish(data); ok && n.op == "Mul" {
			made.Op, made.Function, made.Inputs = tensorfile.OpActivation, tensorfile.FunctionSwish, []int{input}
			b.set(n, made)
			return nil
		}
		if n.op != "Add" && n.op != "Sum" {
			return fmt.Errorf("of two values that follow from images, which no network of this family has")
		}
		made.Op = tensorfile.OpAdd
		b.set(n, made)
		return nil
	}
	if len(n.inputs) != 2 || len(data) != 1 {
		return fmt.Errorf("%d inputs, expected two", len(n.inputs))
	}
	other := 1
	if b.constant[n.inputs[0]] != nil {
		other = 0
	}
	numbers, err := b.numbers(n.inputs[other])
	if err != nil {
		return err
	}
	if numbers == nil || other == 0 && (n.op == "Sub" || n.op == "Div") {
		return fmt.Errorf("an operand that is no small constant")
	}
	made.Op, made.Factors = tensorfile.OpScale, [][]float32{{1}, {0}}
	for i, v := range numbers {
		switch n.op {
		case "Sub":
			numbers[i] = -v
		case "Div":
			numbers[i] = 1 / v
		}
	}
	if n.op == "Mul" || n.op == "Div" {
		made.Factors[0] = numbers
		b.set(n, made)
		return nil
	}
	made.Factors[1] = numbers
	if data[0] >= 0 {
		before := b.graph.Nodes[data[0]]
		_, biased := before.Tensors[tensorfile.RoleBias]
		switch {
		case (before.Op == tensorfile.OpDense || before.Op == tensorfile.OpConvolution) && !biased:
			t := tensorfile.Tensor{Name: n.inputs[other], DType: "float32", Shape: []int{len(numbers)}, Values: func(dst []float32) error {
				copy(dst, numbers)
				return nil
			}}
			before.Tensors = map[string]tensorfile.Tensor{tensorfile.RoleKernel: before.Tensors[tensorfile.RoleKernel], tensorfile.RoleBias: t}
			b.set(n, before)
			return nil
		case before.Op == tensorfile.OpScale && len(before.Factors[1]) == 1 && before.Factors[1][0] == 0:
			before.Factors = [][]float32{before.Factors[0], numbers}
			b.set(n, before)
			return nil
		}
	}
	b.set(n, made)
	return nil
}

// swish returns which of two values the other is the logistic function of.
func (b *builder) swish(data []int) (input int, ok bool) {
	for i, at := range data {
		if at < 0 {
			continue
		}
		n := b.graph.Nodes[at]
		if n.Op == tensorfile.OpActivation && n.Function == tensorfile.FunctionSigmoid && n.Inputs[0] == data[1-i] {
			return data[1-i], true
		}
	}
	return 0, false
}
