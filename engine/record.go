package engine

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// A node is one recorded operation.
type node struct {
	index  int // in the function's nodes
	op     compute.OpType
	inputs []*value // nil where an optional operand is absent
	attrs  any      // what planning needs to know of the operation, by its type
	values []*value
	shapes []shapes.Shape
	shadow []compute.Value // the same outputs in the go backend's program
	replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)
}

// A value is one output of a node; it is the compute.Value that callers hold.
type value struct {
	node     *node
	output   int
	function *function
}

func (v *value) shape() shapes.Shape { return v.node.shapes[v.output] }

// The attributes of the operations that are planned.
type (
	parameterAttrs struct {
		index int
		name  string
	}
	constantAttrs struct{ flat any }
	convAttrs     struct {
		axes                            compute.ConvolveAxesConfig
		strides                         []int
		paddings                        [][2]int
		inputDilations, kernelDilations []int
		channelGroupCount, batchGroups  int
	}
	windowAttrs struct {
		reduction                                  compute.ReduceOpType
		window, strides, inputDilations, dilations []int
		paddings                                   [][2]int
	}
	normAttrs struct {
		epsilon float32
		axis    int
	}
	sliceAttrs  struct{ starts, limits, strides []int }
	padAttrs    struct{ axes []compute.PadAxis }
	selectAttrs struct {
		window, strides []int
		paddings        [][2]int
	}
	axisAttrs struct{ axis int }
	axesAttrs struct{ axes []int }
	dotAttrs  struct {
		lhsContracting, lhsBatch, rhsContracting, rhsBatch []int
	}
)

// builder records a program.
type builder struct {
	compute.Builder // the go backend's, which is given the same operations
	backend         *Backend
	main            *function
	// opaque is why the program cannot be planned: it has functions beside main, or
	// runs on several devices. Empty otherwise.
	opaque    string
	compiled  bool
	constants []standIn
}

func newBuilder(b *Backend, name string) *builder {
	shadow := b.tail.Builder(name)
	r := &builder{Builder: shadow, backend: b}
	r.main = &function{Function: shadow.Main(), builder: r}
	return r
}

func (b *builder) Main() compute.Function { return b.main }

func (b *builder) NewFunction(name string) (compute.Function, error) {
	shadow, err := b.Builder.NewFunction(name)
	if err != nil {
		return nil, err
	}
	b.opaque = "it has functions"
	return &function{Function: shadow, builder: b}, nil
}

func (b *builder) OpShape(op compute.Value) (shapes.Shape, error) {
	v, ok := op.(*value)
	if !ok {
		return shapes.Invalid(), errors.Errorf("cpu: expected a value of this builder, found %T", op)
	}
	return v.shape(), nil
}

func (b *builder) DistributedSPMD(numDevices int) error {
	b.opaque = "it is distributed"
	return b.Builder.DistributedSPMD(numDevices)
}

func (b *builder) DistributedAutoSharding(meshes ...compute.Mesh) error {
	b.opaque = "it is distributed"
	return b.Builder.DistributedAutoSharding(meshes...)
}

// function records the operations of one function, and gives them to the go
// backend's function of the same program, which infers their shapes and finds
// their errors.
type function struct {
	compute.Function // the go backend's
	builder          *builder
	parent           *function
	nodes            []*node
	parameters       []*value
	outputs          []*value
	norms            map[normKey][3]compute.Value
	again            map[compute.Value]compute.Value // what a value is called where it is used again
}

// A normKey is what batch norm in training is of.
type normKey struct {
	operand, scale, offset compute.Value
	attrs                  normAttrs
}

func (f *function) Builder() compute.Builder { return f.builder }

func (f *function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

func (f *function) Closure() (compute.Function, error) {
	shadow, err := f.Function.Closure()
	if err != nil {
		return nil, err
	}
	f.builder.opaque = "it has closures"
	return &function{Function: shadow, builder: f.builder, parent: f}, nil
}

func (f *function) Shape(v compute.Value) (shapes.Shape, error) { return f.builder.OpShape(v) }

// record adds an operation. The inputs may contain nil for an absent operand.
func (f *function) record(op compute.OpType, attrs any, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)) ([]compute.Value, error) {
	n := &node{index: len(f.nodes), op: op, attrs: attrs, inputs: make([]*value, len(inputs)), replay: replay}
	shadows := make([]compute.Value, len(inputs))
	for i, input := range inputs {
		if input == nil {
			continue
		}
		v, ok := input.(*value)
		if !ok || v == nil {
			return nil, errors.Errorf("cpu: operand %d of %s should be a value of this builder, found %T", i, op, input)
		}
		if v.function.builder != f.builder {
			return nil, errors.Errorf("cpu: operand %d of %s belongs to another builder", i, op)
		}
		n.inputs[i], shadows[i] = v, v.node.shadow[v.output]
	}
	outputs, err := replay(f.Function, shadows)
	if err != nil {
		return nil, err
	}
	return f.add(n, outputs)
}

// add makes the values of a node whose outputs the go backend has as given.
func (f *function) add(n *node, shadow []compute.Value) ([]compute.Value, error) {
	n.shadow = shadow
	values := make([]compute.Value, len(shadow))
	for i, s := range shadow {
		shape, err := f.Function.Shape(s)
		if err != nil {
			return nil, err
		}
		n.shapes = append(n.shapes, shape)
		n.values = append(n.values, &value{node: n, output: i, function: f})
		values[i] = n.values[i]
	}
	f.nodes = append(f.nodes, n)
	return values, nil
}

type (
	unaryOp  = func(compute.Function, compute.Value) (compute.Value, error)
	binaryOp = func(compute.Function, compute.Value, compute.Value) (compute.Value, error)
	reduceOp = func(compute.Function, compute.Value, ...int) (compute.Value, error)
)

func (f *function) one(op compute.OpType, attrs any, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) (compute.Value, error)) (compute.Value, error) {
	out, err := f.record(op, attrs, inputs, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		v, err := replay(g, in)
		return []compute.Value{v}, err
	})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func (f *function) many(op compute.OpType, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)) ([]compute.Value, error) {
	return f.record(op, nil, inputs, replay)
}

func (f *function) three(op compute.OpType, attrs any, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) (a, b, c compute.Value, err error)) (a, b, c compute.Value, err error) {
	out, err := f.record(op, attrs, inputs, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		a, b, c, err := replay(g, in)
		return []compute.Value{a, b, c}, err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[1], out[2], nil
}

func (f *function) unary(op compute.OpType, do unaryOp, x compute.Value) (compute.Value, error) {
	return f.one(op, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return do(g, in[0])
	})
}

func (f *function) binary(op compute.OpType, do binaryOp, lhs, rhs compute.Value) (compute.Value, error) {
	return f.one(op, nil, []compute.Value{lhs, rhs}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return do(g, in[0], in[1])
	})
}

func (f *function) reduce(op compute.OpType, do reduceOp, x compute.Value, axes []int) (compute.Value, error) {
	return f.one(op, axesAttrs{axes}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return do(g, in[0], axes...)
	})
}

func (f *function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	out, err := f.record(compute.OpTypeParameter, parameterAttrs{len(f.parameters), name}, nil,
		func(g compute.Function, _ []compute.Value) ([]compute.Value, error) {
			v, err := g.Parameter(name, shape, sharding)
			return []compute.Value{v}, err
		})
	if err != nil {
		return nil, err
	}
	f.parameters = append(f.parameters, out[0].(*value))
	return out[0], nil
}

// A large constant is kept as it is given until the program is compiled, not copied:
// a network's weights would be in memory twice.
func (f *function) Constant(flat any, dims ...int) (compute.Value, error) {
	if weights, ok := flat.([]float32); ok && len(weights) >= largeConstant && f == f.builder.main && fits(len(weights), dims) {
		return f.largeConstant(weights, dims)
	}
	return f.one(compute.OpTypeConstant, constantAttrs{flat}, nil, func(g compute.Function, _ []compute.Value) (compute.Value, error) {
		return g.Constant(flat, dims...)
	})
}

// largeConstant is a number of values that are worth the trouble not to copy.
const largeConstant = 1 << 14

// largeConstant records a constant for which the go backend's program has a
// parameter.
func (f *function) largeConstant(flat []float32, dims []int) (compute.Value, error) {
	n := &node{index: len(f.nodes), op: compute.OpTypeConstant, attrs: constantAttrs{flat}}
	n.replay = func(g compute.Function, _ []compute.Value) ([]compute.Value, error) {
		v, err := g.Constant(n.attrs.(constantAttrs).flat, dims...)
		return []compute.Value{v}, err
	}
	at := len(f.parameters) + len(f.builder.constants)
	stand, err := f.Function.Parameter(fmt.Sprintf("constant #%d", len(f.builder.constants)), shapes.Make(dtypes.Float32, dims...), nil)
	if err != nil {
		return nil, err
	}
	out, err := f.add(n, []compute.Value{stand})
	if err != nil {
		return nil, err
	}
	f.builder.constants = append(f.builder.constants, standIn{at, n})
	return out[0], nil
}

// fits reports whether so many values fill the dimensions.
func fits(size int, dims []int) bool {
	product := 1
	for _, d := range dims {
		if d < 1 || d > size {
			return false
		}
		product *= d
	}
	return product == size
}

// A standIn is a constant that is a parameter of the go backend's program.
type standIn struct {
	parameter int // among the program's
	node      *node
}

// forget releases what has been recorded of a program that is compiled, since callers may
// hold its values for as long as it runs: all but the parameters' places and the shapes.
// The go backend's program is another, empty one then.
func (b *builder) forget() {
	b.Builder = b.backend.tail.Builder(b.Name())
	f := b.main
	f.Function = b.Builder.Main()
	for _, n := range f.nodes {
		n.inputs, n.values, n.shadow, n.replay = nil, nil, nil, nil
		if n.op != compute.OpTypeParameter {
			n.attrs = nil
		}
	}
	f.nodes = nil
}

func (f *function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	shadows := make([]compute.Value, len(outputs))
	for i, output := range outputs {
		v, ok := output.(*value)
		if !ok || v == nil {
			return errors.Errorf("cpu: output %d should be a value of this builder, found %T", i, output)
		}
		f.outputs = append(f.outputs, v)
		shadows[i] = v.node.shadow[v.output]
	}
	return f.Function.Return(shadows, shardings)
}

// The operations below take functions; a program that has them is not planned.

func (f *function) Call(callee compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	return f.control(compute.OpTypeCall, inputs, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.Call(shadowOf(callee), in...)
	})
}

func (f *function) Sort(comparator compute.Function, axis int, isStable bool, inputs ...compute.Value) ([]compute.Value, error) {
	return f.control(compute.OpTypeSort, inputs, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.Sort(shadowOf(comparator), axis, isStable, in...)
	})
}

func (f *function) While(cond, body compute.Function, initialState ...compute.Value) ([]compute.Value, error) {
	return f.control(compute.OpTypeWhile, initialState, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.While(shadowOf(cond), shadowOf(body), in...)
	})
}

func (f *function) If(pred compute.Value, trueBranch, falseBranch compute.Function) ([]compute.Value, error) {
	return f.control(compute.OpTypeIf, []compute.Value{pred}, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.If(in[0], shadowOf(trueBranch), shadowOf(falseBranch))
	})
}

func (f *function) control(op compute.OpType, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)) ([]compute.Value, error) {
	f.builder.opaque = fmt.Sprintf("it has %s", op)
	return f.record(op, nil, inputs, replay)
}

// shadowOf returns the go backend's function; one of another kind is passed on
// for the go backend to refuse.
func shadowOf(f compute.Function) compute.Function {
	if ours, ok := f.(*function); ok && ours != nil {
		return ours.Function
	}
	return f
}
