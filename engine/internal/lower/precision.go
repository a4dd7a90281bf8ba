package lower

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// Mixed precision is written in the graph: activations are bfloat16, each layer widens
// them to float32, computes, and narrows its result; weights are rounded to bfloat16 and
// widened. What has kernels for bfloat16 takes the conversions around it along, so that
// nothing is converted; for the rest a conversion is an operation.

func isBFloat16(v *graph.Value) bool { return v != nil && v.Shape().DType == dtypes.BFloat16 }

// isWidening reports whether a node converts bfloat16 to float32.
func isWidening(n *graph.Node) bool {
	return n.Op == compute.OpTypeConvertDType && isFloat32(n.Values[0]) && isBFloat16(n.Inputs[0])
}

// isNarrowing reports whether a node rounds float32 to bfloat16.
func isNarrowing(n *graph.Node) bool {
	return n.Op == compute.OpTypeConvertDType && isBFloat16(n.Values[0]) && isFloat32(n.Inputs[0])
}

// conversion takes conversions between float32 and bfloat16. A widened value is computed
// when something asks for its tensor: what has kernels for bfloat16 asks for its source.
func (l *lowering) conversion(n *graph.Node) bool {
	if !isWidening(n) && !isNarrowing(n) || l.inDelegated(n.Inputs[0]) || n.Values[0].Shape().Size() == 0 {
		return false
	}
	if isWidening(n) {
		l.widened[n] = true
		return true
	}
	from := n.Inputs[0]
	switch {
	case l.isWeights(n):
		l.rounded[n] = true
	case isWidening(from.Node) && !l.deferred(from.Node.Inputs[0]) && l.tensors[from.Node.Inputs[0]] != nil && !slices.Contains(l.f.Outputs(), n.Values[0]):
		l.tensors[n.Values[0]] = l.tensors[from.Node.Inputs[0]] // nothing is rounded
	case l.isInteger(from):
		of := l.integers[from.Node]
		l.add(&plan.Conversion{In: l.tensor(of.value), Out: l.tensor(n.Values[0]), Scale: of.scale, ZeroPoint: of.zero})
	default:
		l.add(&plan.Conversion{In: l.tensor(from), Out: l.tensor(n.Values[0])})
	}
	return true
}

// isWeights reports whether convolutions alone need what a node rounds, as their weights, which
// they round themselves: those that use it, widened, or reversed after that.
func (l *lowering) isWeights(n *graph.Node) bool {
	only := func(v *graph.Value, is func(*graph.Node) bool) bool {
		users := l.users[v]
		return len(users) > 0 && !slices.ContainsFunc(users, func(user *graph.Node) bool { return user == nil || !is(user) })
	}
	var read func(v *graph.Value) bool
	read = func(v *graph.Value) bool {
		return only(v, func(user *graph.Node) bool {
			if _, ok := l.reversed(user.Values[0]); ok {
				return read(user.Values[0])
			}
			_, weights, ok := l.recognizeConvolution(user)
			return ok && weights != nil && user.Inputs[0] != v
		})
	}
	return only(n.Values[0], func(user *graph.Node) bool { return isWidening(user) && read(user.Values[0]) })
}

// sum takes a sum of bfloat16 values, as the gradients of a value that several use: it is
// computed in float32 and rounded.
func (l *lowering) sum(n *graph.Node) bool {
	out := n.Values[0]
	other := func(v *graph.Value) bool {
		return l.isConstant(v) || l.inDelegated(v) || !v.Shape().Equal(out.Shape())
	}
	if n.Op != compute.OpTypeAdd || !isBFloat16(out) || out.Shape().Size() == 0 || slices.ContainsFunc(n.Inputs, other) {
		return false
	}
	wide := func() *plan.Tensor {
		t := plan.TensorOf(out.Shape())
		t.DType = dtypes.Float32
		return t
	}
	o := &plan.Elementwise{Dims: pixelsOf(out.Shape()), Code: []plan.Instruction{{Op: kernel.Add, A: 0, B: 1}}}
	for _, in := range n.Inputs {
		t := wide()
		l.add(&plan.Conversion{In: l.tensor(in), Out: t})
		o.Operands = append(o.Operands, plan.Operand{Tensor: t, Broadcast: plan.Whole})
	}
	result := wide()
	o.Results = []plan.Result{{Register: 2, Tensor: result}}
	l.add(o)
	l.add(&plan.Conversion{In: result, Out: l.tensor(out)})
	return true
}

// source returns the tensor that a value is, or is widened from.
func (l *lowering) source(v *graph.Value) *plan.Tensor {
	if l.widened[v.Node] {
		v = v.Node.Inputs[0]
	}
	return l.tensor(v)
}

// narrowing returns the node that alone uses a value, and rounds it, or nil.
func (l *lowering) narrowing(v *graph.Value) *graph.Node {
	if user := l.next(v); user != nil && isNarrowing(user) {
		return user
	}
	return nil
}

// narrowed returns the tensor of a value, or of what it is rounded to if nothing else needs it.
func (l *lowering) narrowed(v *graph.Value) *plan.Tensor {
	if n := l.narrowing(v); n != nil {
		l.done[n.Index] = true
		v = n.Values[0]
	}
	return l.tensor(v)
}

// addMixed adds a convolution of bfloat16 values that are summed in float32, whose result
// is rounded to bfloat16; false if it is none.
func (l *lowering) addMixed(o *plan.Convolution, n *graph.Node) bool {
	weights, factors, ok := l.roundedWeights(n.Inputs[1])
	if !l.Mixed || !ok || !l.widened[n.Inputs[0].Node] || o.Transposed || !hasPairs(n.Inputs[0]) {
		return false
	}
	given, ok := l.floats(weights)
	if !ok {
		return false
	}
	copied := *o
	copied.Weights = given
	c := l.follow(&copied, n.Values[0], true)
	last := l.narrowing(c.end)
	if last == nil || c.residual != nil && !isWidening(c.residual.Node) {
		return false
	}
	if factors != nil {
		if copied.Scale, ok = l.byChannel(factors, len(copied.Scale)); !ok {
			return false
		}
	}
	copied.In = l.source(n.Inputs[0])
	if c.residual != nil {
		copied.Residual = l.tensor(c.residual.Node.Inputs[0])
	}
	c.nodes, c.end = append(c.nodes, last), last.Values[0]
	l.addChain(c)
	return true
}

// addTrained adds a convolution of bfloat16 values and trained weights that are rounded to that,
// or the gradient of one with respect to its input; false if it is none. Where the result is rounded
// to bfloat16, it is made so; that of the convolution, if it is widened again, as rounded float32
// values, which batch norm computes with.
func (l *lowering) addTrained(o *plan.Convolution, weights *graph.Value, n *graph.Node) bool {
	in := n.Inputs[0]
	if !l.Trained || weights == nil || !isWidening(in.Node) || !isWidening(weights.Node) || !hasPairs(in) ||
		(o.Transposed || o.Flipped) && (!l.Gradients || !o.Transposed || o.Window.Kernel.Area() > 1 && !o.Flipped) {
		return false
	}
	if n := weights.Node.Inputs[0].Node; isNarrowing(n) {
		weights = n.Inputs[0]
	}
	o.Kernel, o.In = l.tensor(weights), l.tensor(in.Node.Inputs[0])
	out := n.Values[0]
	if narrow := l.narrowing(out); narrow != nil {
		l.done[narrow.Index] = true
		out = narrow.Values[0]
		if wide := l.next(out); wide != nil && isWidening(wide) && !o.Transposed {
			l.done[wide.Index] = true
			o.Rounded, out = true, wide.Values[0]
		}
	}
	o.Out = l.tensor(out)
	l.add(o)
	return true
}

// hasPairs reports whether the channels of an image are pairs, which instructions for
// bfloat16 multiply together.
func hasPairs(v *graph.Value) bool {
	dims := v.Shape().Dimensions
	return dims[len(dims)-1]%2 == 0
}

// roundedWeights returns what a constant is rounded from: weights, and factors for them or
// nil.
func (k *facts) roundedWeights(v *graph.Value) (weights, factors *graph.Value, ok bool) {
	if !isFloat32(v) || !k.isConstant(v) || !isWidening(v.Node) || !isNarrowing(v.Node.Inputs[0].Node) {
		return nil, nil, false
	}
	weights = v.Node.Inputs[0].Node.Inputs[0]
	if weights.Node.Op != compute.OpTypeMul {
		return weights, nil, true
	}
	for i, in := range weights.Node.Inputs {
		if in.Shape().Equal(weights.Shape()) && uniformRoot(in) == in {
			return in, weights.Node.Inputs[1-i], true
		}
	}
	return weights, nil, true
}

// isRounded reports whether a value is weights that roundedFloats returns.
func (k *facts) isRounded(v *graph.Value) bool {
	weights, factors, ok := k.roundedWeights(v)
	if !ok {
		return false
	}
	dims := v.Shape().Dimensions
	_, given := k.floats(weights)
	if given && factors != nil {
		_, given = k.byChannel(factors, dims[len(dims)-1])
	}
	return given
}

// roundedFloats returns the values of rounded weights.
func (k *facts) roundedFloats(v *graph.Value) ([]float32, bool) {
	from, factors, ok := k.roundedWeights(v)
	if !ok {
		return nil, false
	}
	values, ok := k.floats(from)
	if !ok {
		return nil, false
	}
	dims := v.Shape().Dimensions
	scale := make([]float32, dims[len(dims)-1])
	for i := range scale {
		scale[i] = 1
	}
	if factors != nil {
		if scale, ok = k.byChannel(factors, len(scale)); !ok {
			return nil, false
		}
	}
	rounded := make([]float32, len(values))
	for i, w := range values {
		rounded[i] = bfloat16.FromFloat32(w * scale[i%len(scale)]).Float32()
	}
	return rounded, true
}
