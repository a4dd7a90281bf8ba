package engine

import (
	"slices"

	"github.com/gomlx/compute"
)

// A copying writes a tensor into another of the same pixels and channels, which
// is a part of a whole.
type copying struct{ in, out *tensor }

func (o *copying) reads() []*tensor  { return []*tensor{o.in} }
func (o *copying) writes() []*tensor { return []*tensor{o.out} }

// lowerConcat takes a concatenation along the channels. It is no work where the
// parts can be written into the whole by what computes them.
func (l *lowering) lowerConcat(n *node) bool {
	a, ok := n.attrs.(axisAttrs)
	if !ok || !isFloat32(n.values[0]) || n.values[0].shape().Rank() != 4 || a.axis != 3 {
		return false
	}
	for _, in := range n.inputs {
		if l.constant[in.node.index] {
			return false
		}
	}
	whole := l.tensor(n.values[0])
	channel := 0
	for _, in := range n.inputs {
		t := l.tensor(in)
		part := t
		if t.within != nil || !l.written(t) {
			part = &tensor{n: t.n, h: t.h, w: t.w, c: t.c}
			l.operations = append(l.operations, &copying{in: t, out: part})
		}
		part.within, part.channel = whole, channel
		channel += t.c
	}
	return true
}

// written reports whether an operation writes the tensor's pixels where it is
// told to.
func (l *lowering) written(t *tensor) bool {
	for _, o := range l.operations {
		if _, isTail := o.(*tail); isTail {
			continue
		}
		for _, w := range o.writes() {
			// A whole is written through its parts.
			if w == t || w.whole() == t {
				return true
			}
		}
	}
	return false
}

// lowerChannels takes a slice of channels, which is a part of what is sliced: no work,
// as long as an operation here has written that.
func (l *lowering) lowerChannels(n *node) bool {
	a, ok := n.attrs.(sliceAttrs)
	v := n.inputs[0]
	if n.op != compute.OpTypeSlice || !ok || !isFloat32(n.values[0]) || v.shape().Rank() != 4 || l.constant[v.node.index] || !ones(a.strides) {
		return false
	}
	dims := v.shape().Dimensions
	if !slices.Equal(a.starts[:3], []int{0, 0, 0}) || !slices.Equal(a.limits[:3], dims[:3]) {
		return false
	}
	whole := l.tensor(v)
	if !l.written(whole.whole()) || slices.Contains(l.users[n.values[0]], nil) {
		return false
	}
	part := l.tensor(n.values[0])
	part.within, part.channel = whole, a.starts[3]
	return true
}
