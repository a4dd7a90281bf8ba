package graph

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// A Function records the operations of one function, and gives them to the go
// backend's function of the same program, which infers their shapes and finds
// their errors.
type Function struct {
	compute.Function // the go backend's
	builder          *Builder
	parent           *Function
	nodes            []*Node
	parameters       []*Value
	outputs          []*Value
	norms            map[normKey][3]compute.Value
	again            map[compute.Value]compute.Value // what a value is called where it is used again
}

// A normKey is what batch norm in training is of.
type normKey struct {
	operand, scale, offset compute.Value
	attrs                  NormAttrs
}

func (f *Function) Builder() compute.Builder { return f.builder }

// Nodes lists what was recorded, in its order.
func (f *Function) Nodes() []*Node { return f.nodes }

// Parameters lists the inputs of the program.
func (f *Function) Parameters() []*Value { return f.parameters }

// Outputs lists what the program returns.
func (f *Function) Outputs() []*Value { return f.outputs }

func (f *Function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

func (f *Function) Closure() (compute.Function, error) {
	shadow, err := f.Function.Closure()
	if err != nil {
		return nil, err
	}
	f.builder.opaque = true
	return &Function{Function: shadow, builder: f.builder, parent: f}, nil
}

func (f *Function) Shape(v compute.Value) (shapes.Shape, error) { return f.builder.OpShape(v) }

// record adds an operation. The inputs may contain nil for an absent operand.
func (f *Function) record(op compute.OpType, attrs any, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)) ([]compute.Value, error) {
	n := &Node{Index: len(f.nodes), Op: op, Attrs: attrs, Inputs: make([]*Value, len(inputs)), Replay: replay}
	shadows := make([]compute.Value, len(inputs))
	for i, input := range inputs {
		if input == nil {
			continue
		}
		v, ok := input.(*Value)
		if !ok || v == nil {
			return nil, fmt.Errorf("cpu: operand %d of %s should be a value of this builder, found %T", i, op, input)
		}
		if v.function.builder != f.builder {
			return nil, fmt.Errorf("cpu: operand %d of %s belongs to another builder", i, op)
		}
		n.Inputs[i], shadows[i] = v, v.Node.shadow[v.Output]
	}
	outputs, err := replay(f.Function, shadows)
	if err != nil {
		return nil, err
	}
	return f.add(n, outputs)
}

// add makes the values of a node whose outputs the go backend has as given.
func (f *Function) add(n *Node, shadow []compute.Value) ([]compute.Value, error) {
	n.shadow = shadow
	values := make([]compute.Value, len(shadow))
	for i, s := range shadow {
		shape, err := f.Function.Shape(s)
		if err != nil {
			return nil, err
		}
		n.Shapes = append(n.Shapes, shape)
		n.Values = append(n.Values, &Value{Node: n, Output: i, function: f})
		values[i] = n.Values[i]
	}
	f.nodes = append(f.nodes, n)
	return values, nil
}

type (
	unaryOp  = func(compute.Function, compute.Value) (compute.Value, error)
	binaryOp = func(compute.Function, compute.Value, compute.Value) (compute.Value, error)
	reduceOp = func(compute.Function, compute.Value, ...int) (compute.Value, error)
)

func (f *Function) one(op compute.OpType, attrs any, inputs []compute.Value,
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

func (f *Function) many(op compute.OpType, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)) ([]compute.Value, error) {
	return f.record(op, nil, inputs, replay)
}

func (f *Function) three(op compute.OpType, attrs any, inputs []compute.Value,
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

func (f *Function) unary(op compute.OpType, do unaryOp, x compute.Value) (compute.Value, error) {
	return f.one(op, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return do(g, in[0])
	})
}

func (f *Function) binary(op compute.OpType, do binaryOp, lhs, rhs compute.Value) (compute.Value, error) {
	return f.one(op, nil, []compute.Value{lhs, rhs}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return do(g, in[0], in[1])
	})
}

func (f *Function) reduce(op compute.OpType, do reduceOp, x compute.Value, axes []int) (compute.Value, error) {
	return f.one(op, AxesAttrs{axes}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return do(g, in[0], axes...)
	})
}

func (f *Function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	out, err := f.record(compute.OpTypeParameter, ParameterAttrs{name}, nil,
		func(g compute.Function, _ []compute.Value) ([]compute.Value, error) {
			v, err := g.Parameter(name, shape, sharding)
			return []compute.Value{v}, err
		})
	if err != nil {
		return nil, err
	}
	f.parameters = append(f.parameters, out[0].(*Value))
	return out[0], nil
}

func (f *Function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	shadows := make([]compute.Value, len(outputs))
	for i, output := range outputs {
		v, ok := output.(*Value)
		if !ok || v == nil {
			return fmt.Errorf("cpu: output %d should be a value of this builder, found %T", i, output)
		}
		f.outputs = append(f.outputs, v)
		shadows[i] = v.Node.shadow[v.Output]
	}
	return f.Function.Return(shadows, shardings)
}
