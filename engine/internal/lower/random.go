package lower

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// random takes random bits of which nothing but their conversion is used.
func (l *lowering) random(n *graph.Node) bool {
	if n.Op != compute.OpTypeRNGBitGenerator || n.Values[1].Shape().DType != dtypes.Uint32 {
		return false
	}
	state, next := n.Inputs[0], n.Values[0]
	convert := l.next(n.Values[1])
	if convert == nil || convert.Op != compute.OpTypeConvertDType || !isFloat32(convert.Values[0]) || l.buffered[state] == nil {
		return false
	}
	l.done[convert.Index] = true
	l.buffered[next] = &plan.Buffered{Name: n.Op.String(), Shape: next.Shape(), Input: -1}
	l.add(&plan.Random{State: l.buffered[state], Next: l.buffered[next], Out: l.tensor(convert.Values[0])})
	return true
}
