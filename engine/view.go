package engine

import (
	"slices"

	"github.com/gomlx/compute"
)

// lowerView takes what changes nothing of a tensor's pixels and channels: reshapes that
// add or drop axes of size 1, barriers, transpositions that leave the axes in place. It
// is no work.
func (l *lowering) lowerView(n *node) bool {
	switch n.op {
	case compute.OpTypeReshape, compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier:
	case compute.OpTypeTranspose:
		if !slices.IsSorted(n.attrs.(axesAttrs).axes) {
			return false
		}
	default:
		return false
	}
	for i, out := range n.values {
		in := n.inputs[i]
		if !isFloat32(in) || l.constant[in.node.index] || l.inBuffer(in) || pixelsOf(in.shape()) != pixelsOf(out.shape()) {
			return false
		}
	}
	for i, out := range n.values {
		l.tensors[out] = l.tensor(n.inputs[i])
	}
	return true
}

// A reshaping copies a tensor's values, in their order, into other pixels and channels.
type reshaping struct{ in, out *tensor }

func (o *reshaping) reads() []*tensor  { return []*tensor{o.in} }
func (o *reshaping) writes() []*tensor { return []*tensor{o.out} }

// lowerReshape takes the reshapes that are not views.
func (l *lowering) lowerReshape(n *node) bool {
	if n.op != compute.OpTypeReshape || !isFloat32(n.inputs[0]) || l.constant[n.inputs[0].node.index] || n.inputs[0].shape().Size() == 0 {
		return false
	}
	l.operations = append(l.operations, &reshaping{l.tensor(n.inputs[0]), l.tensor(n.values[0])})
	return true
}

func (o *reshaping) bind(r *run) func() error {
	return func() error {
		from, to := o.in.in(r), o.out.in(r)
		for i, j, size := 0, 0, o.in.pixels()*o.in.c; i < size; {
			// What is contiguous on both sides.
			a, b := i%o.in.c, j%o.out.c
			count := min(o.in.c-a, o.out.c-b)
			copy(to[j/o.out.c*o.out.pitch+b:][:count], from[i/o.in.c*o.in.pitch+a:][:count])
			i, j = i+count, j+count
		}
		return nil
	}
}
