package lower

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// elementary lists the operations that are computed element by element.
var elementary = map[compute.OpType]kernel.ElementOp{
	compute.OpTypeAdd: kernel.Add, compute.OpTypeSub: kernel.Sub, compute.OpTypeMul: kernel.Mul, compute.OpTypeDiv: kernel.Div,
	compute.OpTypeMax: kernel.Max, compute.OpTypeMin: kernel.Min,
	compute.OpTypeSign: kernel.Sign, compute.OpTypeNeg: kernel.Neg, compute.OpTypeSqrt: kernel.Sqrt, compute.OpTypeAbs: kernel.Abs,
	opRectify: kernel.Rectify, opStep: kernel.Step,
	compute.OpTypeExp: kernel.Exp, compute.OpTypeLog: kernel.Log,
	compute.OpTypeIdentity: kernel.Copy, compute.OpTypeBroadcastInDim: kernel.Copy, compute.OpTypeConvertDType: kernel.Copy,
	compute.OpTypeEqual: kernel.Equal, compute.OpTypeNotEqual: kernel.NotEqual,
	compute.OpTypeLessThan: kernel.Less, compute.OpTypeLessOrEqual: kernel.LessOrEqual,
	compute.OpTypeGreaterThan: kernel.Less, compute.OpTypeGreaterOrEqual: kernel.LessOrEqual, // of the operands exchanged
	compute.OpTypeWhere: kernel.Select,
}

func isBool(v *graph.Value) bool { return v != nil && v.Shape().DType == dtypes.Bool }

// pixelsOf returns the pixels and channels of a shape, as tensors have them.
func pixelsOf(s shapes.Shape) [4]int { return plan.TensorOf(s).Dims() }

// hasPixels reports whether the axes of values of a rank are those of pixels and channels.
func hasPixels(rank int) bool { return rank == 2 || rank == 4 }

// operandBroadcast returns how an operand of a node is repeated in its result.
func operandBroadcast(n *graph.Node, v *graph.Value) (plan.Broadcast, bool) {
	to, from := n.Values[0].Shape(), v.Shape()
	dims := from.Dimensions
	if a, ok := n.Attrs.(graph.AxesAttrs); ok && n.Op == compute.OpTypeBroadcastInDim {
		dims = slices.Repeat([]int{1}, to.Rank())
		for i, axis := range a.Axes {
			dims[axis] = from.Dimensions[i]
		}
	}
	switch {
	case from.Size() == 1:
		return plan.BroadcastOf([4]int{1, 1, 1, 1}, pixelsOf(to))
	case slices.Equal(dims, to.Dimensions):
		return plan.Whole, true
	case len(dims) == to.Rank() && hasPixels(to.Rank()):
		return plan.BroadcastOf(pixelsOf(shapes.Make(from.DType, dims...)), pixelsOf(to))
	}
	return 0, false
}

// isElementary reports whether a node is an operation of elements here, if what gives it
// truth values and what takes its own are so too.
func (l *lowering) isElementary(n *graph.Node) bool {
	op, ok := elementary[n.Op]
	if !ok || len(n.Inputs) != op.Operands() || n.Values[0].Shape().Size() == 0 {
		return false
	}
	if comparison := op.IsComparison(); isBool(n.Values[0]) != comparison || !comparison && !isFloat32(n.Values[0]) {
		return false
	}
	for i, v := range n.Inputs {
		truth := isBool(v) && !l.isConstant(v) && (op == kernel.Select && i == 0 || n.Op == compute.OpTypeConvertDType)
		if !truth && !isFloat32(v) {
			return false
		}
		if _, ok := operandBroadcast(n, v); !ok {
			return false
		}
	}
	return true
}

// isElementwise reports whether a node can be part of an elementwise.
func (l *lowering) isElementwise(n *graph.Node) bool {
	if !l.isElementary(n) {
		return false
	}
	for _, v := range append([]*graph.Value{n.Values[0]}, n.Inputs...) {
		if isBool(v) && !l.isTruth(v) {
			return false
		}
	}
	return true
}

// isTruth reports whether truth values are computed and used here alone.
func (l *lowering) isTruth(v *graph.Value) bool {
	for _, user := range l.users[v] {
		if user == nil || !l.isElementary(user) {
			return false
		}
	}
	return l.isElementary(v.Node)
}

// joins reports whether a node is computed as a part of its only user.
func (l *lowering) joins(n *graph.Node) bool {
	users := l.users[n.Values[0]]
	if len(users) == 0 || users[0] == nil || !l.isElementwise(n) {
		return false
	}
	for _, user := range users[1:] {
		if user != users[0] {
			return false
		}
	}
	user := users[0]
	if !l.isElementwise(user) || l.done[user.Index] || pixelsOf(user.Values[0].Shape()) != pixelsOf(n.Values[0].Shape()) {
		return false
	}
	b, _ := operandBroadcast(user, n.Values[0])
	return b == plan.Whole
}

// elementwise takes a node with all before it that only it needs.
func (l *lowering) elementwise(n *graph.Node) bool {
	if !l.isElementwise(n) {
		return false
	}
	if l.joins(n) {
		l.inlined[n] = true
		return true
	}
	l.addElementwise(n)
	return true
}

func (l *lowering) addElementwise(n *graph.Node) {
	type use struct {
		value     *graph.Value
		broadcast plan.Broadcast
	}
	o := &plan.Elementwise{Dims: pixelsOf(n.Values[0].Shape())}
	operands := map[use]int{}
	type instruction struct {
		op   kernel.ElementOp
		from [3]any // use or *graph.Value
		to   *graph.Value
	}
	var code []instruction
	seen := map[*graph.Value]bool{}
	var visit func(v *graph.Value)
	visit = func(v *graph.Value) {
		if seen[v] {
			return
		}
		seen[v] = true
		m := v.Node
		s := instruction{op: elementary[m.Op], to: v}
		for i, in := range m.Inputs {
			if l.inlined[in.Node] {
				visit(in)
				s.from[i] = in
				continue
			}
			broadcast, _ := operandBroadcast(m, in)
			u := use{in, broadcast}
			s.from[i] = u
			if _, ok := operands[u]; ok {
				continue
			}
			operands[u] = len(o.Operands)
			operand := plan.Operand{Broadcast: broadcast}
			if f, ok := l.uniform(in); ok {
				operand.Values, operand.Broadcast = []float32{f}, plan.Scalar
			} else if flat, ok := l.floats(in); ok {
				operand.Values = flat
			} else {
				operand.Tensor = l.tensor(in)
			}
			o.Operands = append(o.Operands, operand)
		}
		if m.Op == compute.OpTypeGreaterThan || m.Op == compute.OpTypeGreaterOrEqual {
			s.from[0], s.from[1] = s.from[1], s.from[0]
		}
		code = append(code, s)
	}
	visit(n.Values[0])
	registers := map[*graph.Value]int{}
	for i, s := range code {
		var from [3]int
		for j, f := range s.from {
			switch f := f.(type) {
			case use:
				from[j] = operands[f]
			case *graph.Value:
				from[j] = registers[f]
			}
		}
		o.Code = append(o.Code, plan.Instruction{Op: s.op, A: from[0], B: from[1], C: from[2]})
		registers[s.to] = len(o.Operands) + i
	}
	o.Results = []plan.Result{{Register: len(o.Operands) + len(o.Code) - 1, Tensor: l.tensor(n.Values[0])}}
	l.add(o)
}
