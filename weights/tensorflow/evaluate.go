package tensorflow

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A value is what an operation computes, as far as it is known before there are images: a
// node of the Graph to be made, a tensor of the file, a few numbers that follow from such,
// or the handle of a variable.
type value struct {
	kind     valueKind
	node     int
	tensor   tensorfile.Tensor
	numbers  []float32
	constant *constDef
	handle   string
}

type valueKind int

const (
	isNode valueKind = iota
	isTensor
	isNumbers
	isHandle
	isNothing // shapes and other things that do not matter
)

// An evaluation turns the operations of a graph into a Graph.
type evaluation struct {
	def       *graphDef
	in        io.ReaderAt
	variables func(handle string) (tensorfile.Tensor, bool)
	graph     *tensorfile.Graph
	steps     int
}

// A frame is the graph, or one call of a function.
type frame struct {
	nodes     map[string]*nodeDef
	arguments map[string]value
	function  *functionDef
	done      map[string]value
	depth     int
}

// Bounds of what is evaluated.
const (
	callLimit    = 16
	nestingLimit = 10_000 // operations that wait for each other
	stepLimit    = 1 << 18
	numbersLimit = 1 << 16
)

func (e *evaluation) add(n tensorfile.Node) value {
	e.graph.Nodes = append(e.graph.Nodes, n)
	return value{node: len(e.graph.Nodes) - 1}
}

// of returns the value of an input.
func (e *evaluation) of(f *frame, input string, nesting int) (value, error) {
	name, _ := reference(input)
	if v, ok := f.arguments[name]; ok {
		return v, nil
	}
	if v, ok := f.done[name]; ok {
		return v, nil
	}
	n := f.nodes[name]
	if n == nil {
		return value{}, fmt.Errorf("there is no operation %.100q", name)
	}
	if e.steps++; e.steps > stepLimit || nesting > nestingLimit {
		return value{}, fmt.Errorf("more than %d operations, or some that wait for themselves", stepLimit)
	}
	f.done[name] = value{kind: isNothing} // for operations that wait for themselves
	var in []value
	if n.op != "Shape" && n.op != "NoOp" {
		for _, input := range dataInputs(n) {
			v, err := e.of(f, input, nesting+1)
			if err != nil {
				return value{}, err
			}
			in = append(in, v)
		}
	}
	v, err := e.operation(f, n, in)
	if err != nil {
		return value{}, fmt.Errorf("%s %.100q: %w", n.op, n.name, err)
	}
	f.done[name] = v
	return v, nil
}

func (e *evaluation) call(f *frame, n *nodeDef, in []value) (value, error) {
	fn, err := e.def.function(e.in, n.attrs["f"].fn)
	if err != nil {
		return value{}, err
	}
	if fn == nil || f.depth >= callLimit {
		return value{}, fmt.Errorf("the function %.100q is not in the file, or calls go more than %d deep", n.attrs["f"].fn, callLimit)
	}
	if len(fn.inputs) != len(in) || len(fn.outputs) == 0 {
		return value{kind: isNothing}, nil
	}
	inner := &frame{nodes: fn.nodes, arguments: map[string]value{}, function: fn, done: map[string]value{}, depth: f.depth + 1}
	for i, name := range fn.inputs {
		inner.arguments[name] = in[i]
	}
	return e.of(inner, fn.returns[fn.outputs[0]], 0)
}

// numbersOf are the values of a small tensor, nil for anything else.
func (e *evaluation) numbersOf(v value) ([]float32, error) {
	switch v.kind {
	case isNumbers:
		return v.numbers, nil
	case isTensor:
		n := v.tensor.Elements()
		if n > numbersLimit {
			return nil, nil
		}
		numbers := make([]float32, n)
		return numbers, v.tensor.Values(numbers)
	}
	return nil, nil
}

func (e *evaluation) operation(f *frame, n *nodeDef, in []value) (value, error) {
	nothing := value{kind: isNothing}
	first := func() value {
		if len(in) == 0 {
			return nothing
		}
		return in[0]
	}
	data := len(in) > 0 && in[0].kind == isNode
	node := tensorfile.Node{Name: n.name}
	if data {
		node.Inputs = []int{in[0].node}
	}
	if format := n.attrs["data_format"].text; format != "" && format != "NHWC" && data {
		return nothing, fmt.Errorf("data in the order %s, expected NHWC", format)
	}
	switch n.op {
	case "Placeholder", "PlaceholderV2":
		if kind := n.attrs["dtype"].kind; kind != 0 && kind != float32Type {
			return nothing, nil
		}
		return value{node: tensorfile.GraphInput}, nil
	case "DecodeJpeg", "DecodePng", "DecodeImage":
		return value{node: tensorfile.GraphInput}, nil
	case "Const":
		c := n.attrs["value"].value
		if c == nil {
			return nothing, fmt.Errorf("no value")
		}
		if c.dtype.converter() == nil {
			return value{kind: isNothing, constant: c}, nil
		}
		t, err := c.tensor(n.name, e.in)
		return value{kind: isTensor, tensor: t}, err
	case "VarHandleOp", "Variable", "VariableV2", "AutoReloadVariable":
		handle := n.attrs["shared_name"].text
		if handle == "" {
			handle = n.name
		}
		if n.op == "VarHandleOp" {
			return value{kind: isHandle, handle: handle}, nil
		}
		return e.variable(handle)
	case "ReadVariableOp":
		if first().kind != isHandle {
			return nothing, fmt.Errorf("the variable is not known")
		}
		return e.variable(in[0].handle)
	case "Identity", "StopGradient", "Snapshot", "CheckNumerics", "PlaceholderWithDefault", "Cast", "Enter", "PreventGradient", "IdentityN", "EnsureShape":
		return first(), nil
	case "PartitionedCall", "StatefulPartitionedCall":
		return e.call(f, n, in)
	case "Shape", "StridedSlice", "Pack", "NoOp", "Prod", "ShapeN", "Range", "Fill", "Assert":
		return nothing, nil
	}
	if !data {
		return e.numbers(n, in)
	}
	if len(in) > 1 && in[1].kind == isNode {
		switch n.op {
		case "Add", "AddV2", "AddN", "ConcatV2", "Concat":
		default:
			return nothing, fmt.Errorf("of two values that follow from images, which no network of this family has")
		}
	}
	if attrs := n.attrs["strides"].ints; len(attrs) == 4 {
		node.Stride = [2]int{attrs[1], attrs[2]}
	}
	node.Same = n.attrs["padding"].text == "SAME"
	switch n.op {
	case "ResizeBilinear", "ResizeBicubic":
		if in[0].node != tensorfile.GraphInput || len(in) != 2 {
			return nothing, fmt.Errorf("of something else than images to a size")
		}
		side, err := e.square(in[1])
		if err != nil {
			return nothing, err
		}
		e.graph.Side = side
		return in[0], nil
	case "Conv2D":
		if len(in) != 2 || in[1].kind != isTensor || len(in[1].tensor.Shape) != 4 {
			return nothing, fmt.Errorf("a kernel that is no constant of four axes")
		}
		if d := n.attrs["dilations"].ints; len(d) == 4 && (d[1] != 1 || d[2] != 1) || n.attrs["padding"].text == "EXPLICIT" {
			return nothing, fmt.Errorf("dilations or explicit padding")
		}
		node.Op, node.Window = tensorfile.OpConvolution, [2]int{in[1].tensor.Shape[0], in[1].tensor.Shape[1]}
		node.Tensors = map[string]tensorfile.Tensor{tensorfile.RoleKernel: in[1].tensor}
	case "MatMul":
		if len(in) != 2 || in[1].kind != isTensor || len(in[1].tensor.Shape) != 2 || n.attrs["transpose_a"].flag || n.attrs["transpose_b"].flag {
			return nothing, fmt.Errorf("a matrix that is no constant of inputs, outputs")
		}
		node.Op, node.Tensors = tensorfile.OpDense, map[string]tensorfile.Tensor{tensorfile.RoleKernel: in[1].tensor}
	case "BiasAdd":
		return e.affine(n, in[0], nil, in[1:])
	case "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
		if len(in) != 5 {
			return nothing, fmt.Errorf("%d inputs, expected 5", len(in))
		}
		node.Op, node.Epsilon, node.Tensors = tensorfile.OpBatchNorm, n.attrs["epsilon"].float, map[string]tensorfile.Tensor{}
		node.Epsilon = math.Round(node.Epsilon*1e9) / 1e9 // a float32
		for i, role := range []string{tensorfile.RoleGamma, tensorfile.RoleBeta, tensorfile.RoleMean, tensorfile.RoleVariance} {
			if in[1+i].kind == isTensor {
				node.Tensors[role] = in[1+i].tensor
				continue
			}
			numbers, err := e.numbersOf(in[1+i])
			if err != nil || numbers == nil {
				return nothing, fmt.Errorf("%s is no constant", role)
			}
			node.Tensors[role] = tensorOf(n.name+"/"+role, numbers)
		}
	case "BatchNormWithGlobalNormalization":
		return e.globalNorm(n, node, in)
	case "MaxPool", "AvgPool":
		node.Op = map[string]string{"MaxPool": tensorfile.OpMaxPool, "AvgPool": tensorfile.OpAveragePool}[n.op]
		size := n.attrs["ksize"].ints
		if len(size) != 4 {
			return nothing, fmt.Errorf("no ksize")
		}
		node.Window = [2]int{size[1], size[2]}
	case "Mean", "Max":
		if len(in) < 2 || in[1].constant == nil {
			return nothing, fmt.Errorf("axes that are no constant")
		}
		axes, err := in[1].constant.ints(e.in)
		slices.Sort(axes)
		if err != nil || !slices.Equal(axes, []int{1, 2}) {
			return nothing, fmt.Errorf("over the axes %v, expected height and width", axes)
		}
		node.Op = map[string]string{"Mean": tensorfile.OpGlobalAverage, "Max": tensorfile.OpGlobalMax}[n.op]
	case "Relu", "Softmax", "Sigmoid", "Tanh":
		node.Op = tensorfile.OpActivation
		node.Function = map[string]string{"Relu": tensorfile.FunctionRelu, "Softmax": tensorfile.FunctionSoftmax, "Sigmoid": tensorfile.FunctionSigmoid, "Tanh": tensorfile.FunctionTanh}[n.op]
	case "Reshape", "Squeeze", "ExpandDims":
		if in[0].node == tensorfile.GraphInput {
			return in[0], nil // an image as a batch
		}
		node.Op = tensorfile.OpFlatten
	case "ConcatV2", "Concat":
		node.Op, node.Inputs = tensorfile.OpConcat, nil
		for _, v := range in {
			if v.kind == isNode {
				node.Inputs = append(node.Inputs, v.node)
			}
		}
	case "Add", "AddV2", "AddN":
		if len(in) == 2 && in[1].kind == isNode {
			node.Op, node.Inputs = tensorfile.OpAdd, []int{in[0].node, in[1].node}
			break
		}
		return e.affine(n, in[0], nil, in[1:])
	case "Mul":
		return e.affine(n, in[0], in[1:], nil)
	case "Sub", "RealDiv", "Div":
		if len(in) != 2 {
			return nothing, fmt.Errorf("%d operands", len(in))
		}
		numbers, err := e.numbersOf(in[1])
		if err != nil || numbers == nil {
			return nothing, fmt.Errorf("a second operand that is no small constant")
		}
		turned := make([]float32, len(numbers))
		for i, v := range numbers {
			if turned[i] = -v; n.op != "Sub" {
				turned[i] = 1 / v
			}
		}
		if n.op == "Sub" {
			return e.affine(n, in[0], nil, []value{{kind: isNumbers, numbers: turned}})
		}
		return e.affine(n, in[0], []value{{kind: isNumbers, numbers: turned}}, nil)
	default:
		return nothing, fmt.Errorf("an operation that no Inception network has")
	}
	if node.Op == tensorfile.OpMaxPool || node.Op == tensorfile.OpAveragePool {
		if node.Stride == [2]int{} {
			node.Stride = node.Window
		}
	}
	return e.add(node), nil
}

// square is the side that images are resized to, height and width.
func (e *evaluation) square(size value) (int, error) {
	if size.constant == nil {
		return 0, fmt.Errorf("to a size that is no constant")
	}
	sides, err := size.constant.ints(e.in)
	if err != nil {
		return 0, err
	}
	if len(sides) != 2 || sides[0] != sides[1] || sides[0] < 1 {
		return 0, fmt.Errorf("to %v, expected a square", sides)
	}
	return sides[0], nil
}

// globalNorm is batch norm as TensorFlow had it in 2015: with the mean and the variance
// before beta and gamma, which is left out unless it says otherwise.
func (e *evaluation) globalNorm(n *nodeDef, node tensorfile.Node, in []value) (value, error) {
	if len(in) != 5 {
		return value{}, fmt.Errorf("%d inputs, expected 5", len(in))
	}
	node.Op, node.Epsilon = tensorfile.OpBatchNorm, math.Round(n.attrs["variance_epsilon"].float*1e9)/1e9 // a float32
	node.Tensors = map[string]tensorfile.Tensor{}
	for i, role := range []string{tensorfile.RoleMean, tensorfile.RoleVariance, tensorfile.RoleBeta, tensorfile.RoleGamma} {
		if role == tensorfile.RoleGamma && !n.attrs["scale_after_normalization"].flag {
			continue
		}
		if in[1+i].kind != isTensor {
			return value{}, fmt.Errorf("%s is no constant", role)
		}
		node.Tensors[role] = in[1+i].tensor
	}
	return e.add(node), nil
}

// affine multiplies with numbers or adds them: the bias of a convolution or a dense layer,
// or a scale of its own, one node for a product and the sum that follows it.
func (e *evaluation) affine(n *nodeDef, x value, scale, offset []value) (value, error) {
	read := func(v []value) ([]float32, error) {
		if len(v) != 1 {
			return nil, fmt.Errorf("expected two operands")
		}
		numbers, err := e.numbersOf(v[0])
		if err == nil && numbers == nil {
			err = fmt.Errorf("an operand that is no small constant")
		}
		return numbers, err
	}
	node := tensorfile.Node{Op: tensorfile.OpScale, Name: n.name, Inputs: []int{x.node}, Factors: [][]float32{{1}, {0}}}
	if scale != nil {
		numbers, err := read(scale)
		if err != nil {
			return value{}, err
		}
		node.Factors[0] = numbers
		return e.add(node), nil
	}
	numbers, err := read(offset)
	if err != nil {
		return value{}, err
	}
	if x.node >= 0 {
		// Only the addition reads what is before: these graphs are trees but for branches,
		// which begin behind activations.
		before := e.graph.Nodes[x.node]
		_, biased := before.Tensors[tensorfile.RoleBias]
		switch {
		case (before.Op == tensorfile.OpConvolution || before.Op == tensorfile.OpDense) && !biased && len(numbers) > 1 || before.Op == tensorfile.OpDense && !biased:
			before.Tensors = map[string]tensorfile.Tensor{tensorfile.RoleKernel: before.Tensors[tensorfile.RoleKernel], tensorfile.RoleBias: tensorOf(n.name, numbers)}
			return e.add(before), nil
		case before.Op == tensorfile.OpScale && len(before.Factors[1]) == 1 && before.Factors[1][0] == 0:
			before.Factors = [][]float32{before.Factors[0], numbers}
			return e.add(before), nil
		}
	}
	node.Factors[1] = numbers
	return e.add(node), nil
}

func tensorOf(name string, numbers []float32) tensorfile.Tensor {
	return tensorfile.Tensor{Name: name, DType: "float32", Shape: []int{len(numbers)}, Values: func(dst []float32) error {
		copy(dst, numbers)
		return nil
	}}
}

func (e *evaluation) variable(handle string) (value, error) {
	if e.variables != nil {
		if t, ok := e.variables(handle); ok {
			return value{kind: isTensor, tensor: t}, nil
		}
	}
	return value{}, fmt.Errorf("the variable %.100q has no value in the file: freeze the graph, or give the SavedModel with its variables folder", handle)
}

// numbers computes what follows from constants alone.
func (e *evaluation) numbers(n *nodeDef, in []value) (value, error) {
	nothing := value{kind: isNothing}
	if len(in) > 1 && in[1].kind == isNode { // the operands the other way around
		switch n.op {
		case "Mul":
			return e.affine(n, in[1], in[:1], nil)
		case "Add", "AddV2":
			return e.affine(n, in[1], nil, in[:1])
		case "Concat":
			node := tensorfile.Node{Op: tensorfile.OpConcat, Name: n.name}
			for _, v := range in[1:] {
				node.Inputs = append(node.Inputs, v.node)
			}
			return e.add(node), nil
		}
		return nothing, fmt.Errorf("of a constant and of images")
	}
	if len(in) == 0 {
		return nothing, nil
	}
	if strings.HasPrefix(n.op, "Reshape") || n.op == "Squeeze" || n.op == "ExpandDims" {
		return in[0], nil // of channels; others keep their own shape
	}
	a, err := e.numbersOf(in[0])
	if err != nil || a == nil {
		return nothing, err
	}
	unary := map[string]func(x float64) float64{
		"Rsqrt": func(x float64) float64 { return 1 / math.Sqrt(x) }, "Sqrt": math.Sqrt, "Neg": func(x float64) float64 { return -x },
		"Square": func(x float64) float64 { return x * x }, "Reciprocal": func(x float64) float64 { return 1 / x }, "Inv": func(x float64) float64 { return 1 / x },
	}
	if f := unary[n.op]; f != nil {
		out := make([]float32, len(a))
		for i, x := range a {
			out[i] = float32(f(float64(x)))
		}
		return value{kind: isNumbers, numbers: out}, nil
	}
	binary := map[string]func(x, y float32) float32{
		"Add": func(x, y float32) float32 { return x + y }, "AddV2": func(x, y float32) float32 { return x + y }, "Sub": func(x, y float32) float32 { return x - y },
		"Mul": func(x, y float32) float32 { return x * y }, "RealDiv": func(x, y float32) float32 { return x / y }, "Div": func(x, y float32) float32 { return x / y },
	}[n.op]
	if binary == nil || len(in) != 2 {
		return nothing, nil
	}
	b, err := e.numbersOf(in[1])
	if err != nil || b == nil {
		return nothing, err
	}
	if len(a) != len(b) && len(a) != 1 && len(b) != 1 || len(a) == 0 || len(b) == 0 {
		return nothing, fmt.Errorf("%d and %d numbers", len(a), len(b))
	}
	out := make([]float32, max(len(a), len(b)))
	for i := range out {
		out[i] = binary(a[min(i, len(a)-1)], b[min(i, len(b)-1)])
	}
	return value{kind: isNumbers, numbers: out}, nil
}
