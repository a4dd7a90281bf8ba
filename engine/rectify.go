package engine

import (
	"slices"

	"github.com/gomlx/compute"
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
	for _, n := range l.f.nodes {
		if n.op != compute.OpTypeMax || !l.live[n.index] || !l.isElementwise(n) || l.showsSign(n.values[0]) {
			continue
		}
		for i, y := range n.inputs {
			if l.isZero(n.inputs[1-i]) && y.node.op != compute.OpTypeBatchNormForTraining {
				l.rectify(n, y)
				break
			}
		}
	}
}

// rectify changes n, the maximum of y and zero, and the gradients of that, if nothing else
// reads y.
func (l *lowering) rectify(n *node, y *value) {
	var steps [][]*node
	for _, user := range l.users[y] {
		if user == n {
			continue
		}
		s := l.step(user, y)
		if s == nil || s[0].index < n.index {
			return
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return
	}
	x := n.values[0]
	n.op, n.inputs = opRectify, []*value{y}
	l.users[y] = []*node{n}
	for _, s := range steps {
		last := s[len(s)-1]
		for _, m := range s[:len(s)-1] {
			l.done[m.index] = true
		}
		last.op, last.inputs = opStep, []*value{x}
		l.users[x] = append(l.users[x], last)
	}
}

// showsSign reports whether a value, as it is or moved, is an output or goes into an
// operation that distinguishes zeros by their sign. What sums and products make of that
// sign is not followed.
func (l *lowering) showsSign(v *value) bool {
	return slices.ContainsFunc(l.users[v], func(user *node) bool {
		if user == nil {
			return true
		}
		switch user.op {
		case compute.OpTypeDiv, compute.OpTypeRsqrt, compute.OpTypePow, compute.OpTypeAtan2, compute.OpTypeBitcast:
			return true
		case compute.OpTypeIdentity, compute.OpTypeReshape, compute.OpTypeTranspose, compute.OpTypeBroadcastInDim, compute.OpTypeSlice,
			compute.OpTypeConcatenate, compute.OpTypeReverse, compute.OpTypePad:
			return l.showsSign(user.values[0])
		case compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier:
			return slices.ContainsFunc(user.values, l.showsSign)
		}
		return false
	})
}

// step returns the operations from the first user of y on that GoMLX's gradient of
// max(y, 0) takes: sign(sign(y - 0) + 1). It returns nil if they are others.
func (l *lowering) step(user *node, y *value) []*node {
	if user == nil || user.op != compute.OpTypeSub || user.inputs[0] != y || !l.isZero(user.inputs[1]) {
		return nil
	}
	nodes := []*node{user}
	for _, op := range []compute.OpType{compute.OpTypeSign, compute.OpTypeAdd, compute.OpTypeSign} {
		last := nodes[len(nodes)-1]
		next := l.only(last)
		if next == nil || next.op != op || op == compute.OpTypeAdd && !l.isConstant(other(next, last.values[0]), 1) {
			return nil
		}
		nodes = append(nodes, next)
	}
	if !l.isElementwise(nodes[len(nodes)-1]) {
		return nil
	}
	return nodes
}
