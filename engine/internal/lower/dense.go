package lower

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// dense takes [n, k] times [k, m], or times [m, k] transposed.
func (l *lowering) dense(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.DotAttrs)
	if !ok || !isMatrixProduct(n, a) || a.LHSContracting[0] != 1 || l.isConstant(n.Inputs[0]) {
		return false
	}
	o := &plan.Convolution{Window: kernel.Sliding(kernel.Square(1)), Transposed: a.RHSContracting[0] == 1}
	if weights, ok := l.floats(n.Inputs[1]); ok {
		o.Weights = weights
	} else if l.isConstant(n.Inputs[1]) {
		return false
	} else {
		o.Kernel = l.tensor(n.Inputs[1])
	}
	l.addConvolution(o, n.Inputs[0], n.Values[0])
	return true
}

// denseGradient takes [n, k] transposed times [n, m], and a transposition of that.
func (l *lowering) denseGradient(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.DotAttrs)
	if !ok || !isMatrixProduct(n, a) || a.LHSContracting[0] != 0 || a.RHSContracting[0] != 0 ||
		l.isConstant(n.Inputs[0]) || l.isConstant(n.Inputs[1]) {
		return false
	}
	v, lhs, rhs := n.Values[0], n.Inputs[0], n.Inputs[1]
	if user := l.next(v); user != nil && user.Op == compute.OpTypeTranspose && !slices.IsSorted(user.Attrs.(graph.AxesAttrs).Axes) {
		l.done[user.Index] = true
		v, lhs, rhs = user.Values[0], rhs, lhs
	}
	l.addWeightGradient(lhs, rhs, kernel.Sliding(kernel.Square(1)), v)
	return true
}

// isMatrixProduct reports whether a node is a product of two matrices of float32.
func isMatrixProduct(n *graph.Node, a graph.DotAttrs) bool {
	return isFloat32(n.Values[0]) && n.Inputs[0].Shape().Rank() == 2 && n.Inputs[1].Shape().Rank() == 2 &&
		len(a.LHSBatch) == 0 && len(a.LHSContracting) == 1
}
