package lower

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// view takes what changes nothing of a tensor's pixels and channels: reshapes that add or
// drop axes of size 1, barriers, transpositions that leave the axes in place. It is no
// work.
func (l *lowering) view(n *graph.Node) bool {
	switch n.Op {
	case compute.OpTypeReshape, compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier:
	case compute.OpTypeTranspose:
		if !slices.IsSorted(n.Attrs.(graph.AxesAttrs).Axes) {
			return false
		}
	default:
		return false
	}
	for i, out := range n.Values {
		in := n.Inputs[i]
		if !isFloat32(in) || l.isConstant(in) || l.inDelegated(in) || pixelsOf(in.Shape()) != pixelsOf(out.Shape()) {
			return false
		}
	}
	for i, out := range n.Values {
		l.tensors[out] = l.tensor(n.Inputs[i])
	}
	return true
}

// reshaping takes the reshapes that are not views.
func (l *lowering) reshaping(n *graph.Node) bool {
	if n.Op != compute.OpTypeReshape || !isFloat32(n.Inputs[0]) || l.isConstant(n.Inputs[0]) || n.Inputs[0].Shape().Size() == 0 {
		return false
	}
	l.add(&plan.Reshaping{In: l.tensor(n.Inputs[0]), Out: l.tensor(n.Values[0])})
	return true
}

// padding takes padding of height and width with a constant.
func (l *lowering) padding(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.PadAttrs)
	if !ok || len(a.Axes) != 4 || !isFloat32(n.Values[0]) || l.isConstant(n.Inputs[0]) || n.Values[0].Shape().Size() == 0 ||
		a.Axes[0] != (compute.PadAxis{}) || a.Axes[3] != (compute.PadAxis{}) {
		return false
	}
	value, ok := l.uniform(n.Inputs[1])
	if !ok {
		return false
	}
	y, x := a.Axes[1], a.Axes[2]
	l.add(&plan.Padding{
		In: l.tensor(n.Inputs[0]), Out: l.tensor(n.Values[0]), Value: value,
		Before: kernel.Pair{Y: y.Start, X: x.Start}, Dilation: kernel.Pair{Y: y.Interior + 1, X: x.Interior + 1},
	})
	return true
}
