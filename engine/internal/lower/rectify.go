package lower

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
)

// Operations that GoMLX does not have: those of the kernels of the same names.
const (
	opRectify compute.OpType = compute.OpTypeLast + 1 + iota
	opStep
)

// rectifySigned lets ReLU tell where its argument was below zero, by the sign of the zero
// that it makes of that. Its gradient then needs the result, which the next convolution
// keeps anyway, and the argument need not be in memory at all. Where batch norm makes the
// argument, that computes both (rectified).
func (l *lowering) rectifySigned() {
	for _, n := range l.f.Nodes() {
		if n.Op != compute.OpTypeMax || !l.live[n.Index] || !l.isElementwise(n) || l.showsSign(n.Values[0]) {
			continue
		}
		for i, y := range n.Inputs {
			if l.equals(n.Inputs[1-i], 0) && y.Node.Op != compute.OpTypeBatchNormForTraining {
				l.rectify(n, y)
				break
			}
		}
	}
}

// rectify changes n, the maximum of y and zero, and the gradients of that, if nothing else
// reads y.
func (l *lowering) rectify(n *graph.Node, y *graph.Value) {
	var steps [][]*graph.Node
	for _, user := range l.users[y] {
		if user == n {
			continue
		}
		s := l.stepOf(user, y)
		if s == nil || s[0].Index < n.Index {
			return
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return
	}
	x := n.Values[0]
	n.Op, n.Inputs = opRectify, []*graph.Value{y}
	l.users[y] = []*graph.Node{n}
	for _, s := range steps {
		last := s[len(s)-1]
		for _, m := range s[:len(s)-1] {
			l.done[m.Index] = true
		}
		last.Op, last.Inputs = opStep, []*graph.Value{x}
		l.users[x] = append(l.users[x], last)
	}
}

// showsSign reports whether a value, as it is or moved, is an output or goes into an
// operation that distinguishes zeros by their sign. What sums and products make of that
// sign is not followed.
func (l *lowering) showsSign(v *graph.Value) bool {
	return slices.ContainsFunc(l.users[v], func(user *graph.Node) bool {
		if user == nil {
			return true
		}
		switch user.Op {
		case compute.OpTypeDiv, compute.OpTypeRsqrt, compute.OpTypePow, compute.OpTypeAtan2, compute.OpTypeBitcast:
			return true
		case compute.OpTypeIdentity, compute.OpTypeReshape, compute.OpTypeTranspose, compute.OpTypeBroadcastInDim, compute.OpTypeSlice,
			compute.OpTypeConcatenate, compute.OpTypeReverse, compute.OpTypePad:
			return l.showsSign(user.Values[0])
		case compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier:
			return slices.ContainsFunc(user.Values, l.showsSign)
		}
		return false
	})
}

// stepOf returns the operations from the first user of y on that GoMLX's gradient of
// max(y, 0) takes: sign(sign(y - 0) + 1). It returns nil if they are others.
func (l *lowering) stepOf(user *graph.Node, y *graph.Value) []*graph.Node {
	if user == nil || user.Op != compute.OpTypeSub || user.Inputs[0] != y || !l.equals(user.Inputs[1], 0) {
		return nil
	}
	nodes := []*graph.Node{user}
	for _, op := range []compute.OpType{compute.OpTypeSign, compute.OpTypeAdd, compute.OpTypeSign} {
		last := nodes[len(nodes)-1]
		next := l.only(last)
		if next == nil || next.Op != op || op == compute.OpTypeAdd && !l.equals(other(next, last.Values[0]), 1) {
			return nil
		}
		nodes = append(nodes, next)
	}
	if !l.isElementwise(nodes[len(nodes)-1]) {
		return nil
	}
	return nodes
}
