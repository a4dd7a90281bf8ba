package lower

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// concatenation takes a concatenation along the channels. It is no work where the parts
// can be written into the whole by what computes them.
func (l *lowering) concatenation(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.AxisAttrs)
	if !ok || !isFloat32(n.Values[0]) && !isBFloat16(n.Values[0]) && !isUint8(n.Values[0]) || n.Values[0].Shape().Rank() != 4 || a.Axis != 3 || slices.ContainsFunc(n.Inputs, l.isConstant) {
		return false
	}
	whole := l.tensor(n.Values[0])
	channel := 0
	for _, in := range n.Inputs {
		t := l.tensor(in)
		part := t
		if t.Whole() != t || !l.written(t) {
			part = t.Like(t.C)
			l.add(&plan.Copying{In: t, Out: part})
		}
		part.Place = plan.Part{Of: whole, Channel: channel}
		channel += t.C
	}
	return true
}

// written reports whether an operation writes the tensor's pixels where it is
// told to.
func (l *lowering) written(t *plan.Tensor) bool {
	for _, o := range l.operations {
		if _, delegated := o.(*plan.Delegated); delegated {
			continue
		}
		for _, w := range o.Writes() {
			// A whole is written through its parts.
			if w == t || w.Whole() == t {
				return true
			}
		}
	}
	return false
}

// channels takes a slice of channels, which is a part of what is sliced: no work, as long
// as an operation here has written that.
func (l *lowering) channels(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.SliceAttrs)
	v := n.Inputs
	if n.Op != compute.OpTypeSlice || !ok || !isFloat32(n.Values[0]) && !isBFloat16(n.Values[0]) || v[0].Shape().Rank() != 4 || l.isConstant(v[0]) || !ones(a.Strides) {
		return false
	}
	dims := v[0].Shape().Dimensions
	if !slices.Equal(a.Starts[:3], []int{0, 0, 0}) || !slices.Equal(a.Limits[:3], dims[:3]) {
		return false
	}
	whole := l.tensor(v[0])
	if !l.written(whole.Whole()) || slices.Contains(l.users[n.Values[0]], nil) {
		return false
	}
	l.tensor(n.Values[0]).Place = plan.Part{Of: whole, Channel: a.Starts[3]}
	return true
}
