package lower

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// Integers of 8 bits are written in the graph as bfloat16 is: activations are unsigned, each
// layer makes float32 of them, computes, and rounds its result to integers of a scale of its
// own; weights are signed. What has kernels for integers takes along what is around it; for
// the rest it is a conversion.

func isUint8(v *graph.Value) bool { return v != nil && v.Shape().DType == dtypes.Uint8 }

// integers is what a value of float32 is made of: (value - zero) * scale.
type integers struct {
	value       *graph.Value
	scale, zero float32
}

// isInteger reports whether a value is made of integers, and not yet a tensor.
func (l *lowering) isInteger(v *graph.Value) bool {
	_, ok := l.integers[v.Node]
	return ok
}

// unsigned takes what makes float32 of unsigned integers: the conversion, a zero point that is
// taken from it, and a scale. It is computed when something asks for its tensor: what has
// kernels for integers asks for those.
func (l *lowering) unsigned(n *graph.Node) bool {
	v := n.Values[0]
	if !isFloat32(v) || v.Shape().Size() == 0 {
		return false
	}
	if n.Op == compute.OpTypeConvertDType {
		from := n.Inputs[0]
		if !isUint8(from) || l.inDelegated(from) {
			return false
		}
		l.integers[n] = integers{value: from, scale: 1}
		return true
	}
	if n.Op != compute.OpTypeSub && n.Op != compute.OpTypeAdd && n.Op != compute.OpTypeMul {
		return false
	}
	for i, in := range n.Inputs {
		from, ok := l.integers[in.Node]
		by, constant := l.uniform(n.Inputs[1-i])
		if !ok || !constant || from.scale != 1 || !v.Shape().Equal(in.Shape()) {
			continue
		}
		switch {
		case n.Op == compute.OpTypeMul:
			from.scale = by
		case n.Op == compute.OpTypeAdd && from.zero == 0:
			from.zero = -by
		case n.Op == compute.OpTypeSub && i == 0 && from.zero == 0:
			from.zero = by
		default:
			continue
		}
		l.integers[n] = from
		return true
	}
	return false
}

// widens reports whether a value is made of integers that are computed. It takes what makes
// it, if that stands after what asks.
func (l *lowering) widens(v *graph.Value) bool {
	n := v.Node
	if l.isInteger(v) {
		return true
	}
	if l.done[n.Index] || l.constant[n.Index] {
		return false
	}
	ready := n.Op == compute.OpTypeConvertDType && isUint8(n.Inputs[0]) && l.computed(n.Inputs[0])
	if n.Op == compute.OpTypeSub || n.Op == compute.OpTypeAdd || n.Op == compute.OpTypeMul {
		ready = slices.ContainsFunc(n.Inputs, l.widens)
	}
	if ready && l.unsigned(n) {
		l.done[n.Index] = true
		return true
	}
	return false
}

// A rounding is the nodes that make integers of a value.
type rounding struct {
	nodes []*graph.Node
	in    *graph.Value
	out   *graph.Value
	to    plan.Quantized
}

// roundingOf returns the rounding that begins with a node: a factor, or a divisor, rounding, a
// zero point or none, limits of 0 and 255 in either order, and the conversion.
func (l *lowering) roundingOf(first *graph.Node) (r rounding, ok bool) {
	if first == nil || first.Op != compute.OpTypeMul && first.Op != compute.OpTypeDiv || !isFloat32(first.Values[0]) {
		return r, false
	}
	for i, in := range first.Inputs {
		by, constant := l.uniform(first.Inputs[1-i])
		if constant && !l.isConstant(in) && in.Shape().Equal(first.Values[0].Shape()) && (i == 0 || first.Op == compute.OpTypeMul) {
			r.in, r.to.Inverse = in, by
			if first.Op == compute.OpTypeDiv {
				r.to.Inverse = 1 / by
			}
		}
	}
	if r.in == nil || !(r.to.Inverse > 0 && r.to.Inverse < math.MaxFloat32) {
		return r, false
	}
	r.nodes = []*graph.Node{first}
	// bound takes a node of an operation with a constant.
	bound := func(op compute.OpType, want float32) bool {
		last := r.nodes[len(r.nodes)-1]
		user := l.only(last)
		if user == nil || user.Op != op || !l.equals(other(user, last.Values[0]), want) {
			return false
		}
		r.nodes = append(r.nodes, user)
		return true
	}
	round := l.only(first)
	if round == nil || round.Op != compute.OpTypeRound {
		return r, false
	}
	r.nodes = append(r.nodes, round)
	if add := l.only(round); add != nil && add.Op == compute.OpTypeAdd {
		zero, constant := l.uniform(other(add, round.Values[0]))
		if !constant || zero != float32(math.RoundToEven(float64(zero))) || zero < 0 || zero > math.MaxUint8 {
			return r, false
		}
		r.to.ZeroPoint = zero
		r.nodes = append(r.nodes, add)
	}
	if !(bound(compute.OpTypeMax, 0) && bound(compute.OpTypeMin, math.MaxUint8)) && !(bound(compute.OpTypeMin, math.MaxUint8) && bound(compute.OpTypeMax, 0)) {
		return r, false
	}
	last := l.only(r.nodes[len(r.nodes)-1])
	if last == nil || last.Op != compute.OpTypeConvertDType || !isUint8(last.Values[0]) || last.Values[0].Shape().Size() == 0 {
		return r, false
	}
	r.nodes, r.out = append(r.nodes, last), last.Values[0]
	return r, true
}

// quantizes reports whether a node begins the rounding of a value to integers.
func (l *lowering) quantizes(n *graph.Node) bool {
	_, ok := l.roundingOf(n)
	return ok
}

// take marks the nodes of a rounding, and returns the tensor of its result.
func (l *lowering) take(r rounding) *plan.Tensor {
	for _, n := range r.nodes {
		l.done[n.Index] = true
	}
	return l.tensor(r.out)
}

// quantization takes the rounding of a value to integers.
func (l *lowering) quantization(n *graph.Node) bool {
	r, ok := l.roundingOf(n)
	if !ok {
		return false
	}
	in := l.tensor(r.in)
	l.add(&plan.Conversion{In: in, Out: l.take(r), To: r.to})
	return true
}

// isIntegerWeights reports whether a value is made of signed integers, as float32.
func isIntegerWeights(v *graph.Value) bool {
	n := v.Node
	return n.Op == compute.OpTypeConvertDType && isFloat32(v) && n.Inputs[0].Shape().DType == dtypes.Int8
}

// integerWeights returns the constant integers that a value is made of.
func (k *facts) integerWeights(v *graph.Value) ([]int8, bool) {
	if !isIntegerWeights(v) || !k.isConstant(v) {
		return nil, false
	}
	flat, ok := k.folded[v.Node.Inputs[0]].([]int8)
	return flat, ok
}

func floatsOf(integers []int8) []float32 {
	floats := make([]float32, len(integers))
	for i, v := range integers {
		floats[i] = float32(v)
	}
	return floats
}

// addIntegers adds a convolution of integers with what follows it, if it is one that has
// kernels: what is added is bfloat16, and the result is rounded to integers, to bfloat16, or to
// both.
func (l *lowering) addIntegers(o *plan.Convolution, n *graph.Node) bool {
	if o.Integers == nil {
		return false
	}
	copied := *o
	c := l.follow(&copied, n.Values[0], false)
	rounded, ok := l.roundedResults(c.end)
	if !ok || !l.hasIntegerKernels(o, n) || c.residual != nil && !isWidening(c.residual.Node) {
		o.Weights, o.Integers = floatsOf(o.Integers), nil
		return false
	}
	from := l.integers[n.Inputs[0].Node]
	for i := range copied.Scale {
		copied.Scale[i] *= from.scale
	}
	copied.In, copied.ZeroPoint = l.tensor(from.value), from.zero
	if c.residual != nil {
		copied.Residual = l.tensor(c.residual.Node.Inputs[0])
	}
	l.addRounded(c, rounded)
	return true
}

// addRounded adds a convolution with what follows it and with what that is rounded to.
func (l *lowering) addRounded(c *chain, rounded roundedResults) {
	for _, n := range c.nodes {
		l.done[n.Index] = true
	}
	o := c.Convolution
	if n := rounded.narrowing; n != nil {
		l.done[n.Index] = true
		o.Out = l.tensor(n.Values[0])
	}
	if r := rounded.integers; r.out != nil {
		o.To, o.Quantized = r.to, l.take(r)
	}
	if o.Out == nil {
		o.Out, o.Quantized = o.Quantized, nil
	}
	l.add(o)
}

// roundedResults are what a value is rounded to, of which one may be missing.
type roundedResults struct {
	integers  rounding
	narrowing *graph.Node
}

// roundedResults returns what a value is rounded to, and false where something else is made of it.
func (l *lowering) roundedResults(v *graph.Value) (found roundedResults, ok bool) {
	for _, user := range l.users[v] {
		if user == nil {
			return found, false
		}
		r, isRounding := l.roundingOf(user)
		switch {
		case isNarrowing(user) && found.narrowing == nil:
			found.narrowing = user
		case isRounding && found.integers.out == nil:
			found.integers = r
		default:
			return found, false
		}
	}
	return found, found.narrowing != nil || found.integers.out != nil
}

// hasIntegerKernels reports whether a convolution of integers is one of those that kernels
// compute: in groups of four channels, of so few products that a sum holds them, and without
// padding where zero is another integer than 0.
func (l *lowering) hasIntegerKernels(o *plan.Convolution, n *graph.Node) bool {
	from, ok := l.integers[n.Inputs[0].Node]
	if !ok || o.Transposed || o.Window.InputDilation != kernel.Square(1) {
		return false
	}
	dims := n.Inputs[1].Shape().Dimensions
	padded := o.Window.Padding != kernel.Pair{} || o.Window.Kernel != kernel.Square(1)
	return dims[2]%4 == 0 && o.Window.Kernel.Area()*dims[2] <= kernel.MostI8 && (from.zero == 0 || !padded && from.zero == float32(uint8(from.zero)))
}

// poolIntegers adds a pooling of integers whose result v is only rounded to such.
func (l *lowering) poolIntegers(o *plan.Pooling, in, v *graph.Value) bool {
	if isUint8(v) {
		o.In, o.Out = l.tensor(in), l.tensor(v)
		l.add(o)
		return true
	}
	from, ok := l.integers[in.Node]
	user := l.next(v)
	if !ok || user == nil || from.zero != 0 {
		return false
	}
	if o.Maximum {
		if from.scale != 1 || user.Op != compute.OpTypeConvertDType || !isUint8(user.Values[0]) {
			return false
		}
		l.done[user.Index] = true
		o.In, o.Out = l.tensor(from.value), l.tensor(user.Values[0])
		l.add(o)
		return true
	}
	r, ok := l.roundingOf(user)
	if !ok || r.to.ZeroPoint != 0 || o.Window.Kernel.Area() > kernel.MostPoolU8 {
		return false
	}
	weights := make([]float32, len(o.Weights))
	for i, w := range o.Weights {
		weights[i] = w * from.scale * r.to.Inverse
		if !(weights[i] >= 0) {
			return false
		}
	}
	o.Weights = weights
	o.In, o.Out = l.tensor(from.value), l.take(r)
	l.add(o)
	return true
}
