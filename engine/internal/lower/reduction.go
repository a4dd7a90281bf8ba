package lower

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// recognizeReduction returns the reduction that a node is, without its tensors.
func (l *lowering) recognizeReduction(n *graph.Node) (*plan.Reduction, bool) {
	a, ok := n.Attrs.(graph.AxesAttrs)
	if !ok || n.Op != compute.OpTypeReduceSum && n.Op != compute.OpTypeReduceMax || !isFloat32(n.Inputs[0]) || l.isConstant(n.Inputs[0]) ||
		n.Inputs[0].Shape().Size() == 0 {
		return nil, false
	}
	o := &plan.Reduction{Maximum: n.Op == compute.OpTypeReduceMax}
	axes, rank := slices.Sorted(slices.Values(a.Axes)), n.Inputs[0].Shape().Rank()
	switch {
	case !o.Maximum && (len(axes) == 0 || len(axes) == rank):
		o.Over = plan.OverAll
	case !hasPixels(rank):
		return nil, false
	case slices.Equal(axes, []int{rank - 1}):
		o.Over = plan.OverChannels
	case !o.Maximum && len(axes) == rank-1 && axes[rank-2] == rank-2:
		o.Over = plan.OverPixels
	default:
		return nil, false
	}
	return o, true
}

func (l *lowering) reduction(n *graph.Node) bool {
	o, ok := l.recognizeReduction(n)
	if !ok {
		return false
	}
	in := n.Inputs[0]
	if l.inlined[in.Node] { // its squares
		o.Squares, in = true, in.Node.Inputs[0]
	}
	o.In, o.Out = l.tensor(in), l.tensor(n.Values[0])
	l.add(o)
	return true
}

// square takes the square of a value that is only summed.
func (l *lowering) square(n *graph.Node) bool {
	if n.Op != compute.OpTypeMul || n.Inputs[0] != n.Inputs[1] || !isFloat32(n.Values[0]) {
		return false
	}
	user := l.next(n.Values[0])
	if user == nil {
		return false
	}
	if o, ok := l.recognizeReduction(user); !ok || o.Over != plan.OverAll || l.inlined[n.Inputs[0].Node] {
		return false
	}
	l.inlined[n] = true
	return true
}
