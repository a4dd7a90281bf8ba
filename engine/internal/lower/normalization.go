package lower

import (
	"maps"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// normalization takes batch norm over the last of four axes, and its gradient.
func (l *lowering) normalization(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.NormAttrs)
	if !ok || a.Axis != 3 || n.Inputs[0].Shape().Rank() != 4 {
		return false
	}
	in := make([]*plan.Tensor, len(n.Inputs))
	for i, v := range n.Inputs {
		if !isFloat32(v) || l.isConstant(v) {
			return false
		}
		if i < 4 {
			in[i] = l.tensor(v)
		}
	}
	if len(in) == 3 {
		l.addNormalization(n, in, a.Epsilon)
		return true
	}
	gradient := n.Inputs[4]
	var offset *plan.Tensor
	if m, ok := l.masked[gradient]; ok {
		gradient, offset = m.gradient, l.tensor(m.norm.Inputs[2])
	}
	y, b, c := l.narrowed(n.Values[0]), l.tensor(n.Values[1]), l.tensor(n.Values[2])
	o := &plan.NormalizationGradient{In: in[0], Scale: in[1], Offset: offset, Mean: in[2], Variance: in[3], Gradient: l.source(gradient), ToIn: y, ToScale: b, ToOffset: c, Epsilon: a.Epsilon, Node: n.Index}
	l.add(o)
	return true
}

// addNormalization adds batch norm with the ReLU after it. Where the same values have
// been normalised before, their mean and variance are known.
func (l *lowering) addNormalization(n *graph.Node, in []*plan.Tensor, epsilon float32) {
	o := &plan.Normalization{In: in[0], Scale: in[1], Offset: in[2], Epsilon: epsilon, Node: n.Index}
	if before, ok := l.norms[o.In]; ok {
		o.Known, o.Mean, o.Variance = true, before.Mean, before.Variance
		l.tensors[n.Values[1]], l.tensors[n.Values[2]] = o.Mean, o.Variance
	} else {
		o.Mean, o.Variance = l.tensor(n.Values[1]), l.tensor(n.Values[2])
		l.norms[o.In] = o
	}
	activated, mask, ok := l.rectified(n)
	switch {
	case !ok:
		o.Out = l.narrowed(n.Values[0])
	case activated != nil:
		o.ReLU, o.Out = true, l.narrowed(activated.Values[0])
		l.done[activated.Index] = true
	}
	for _, m := range mask {
		l.done[m.Index] = true
	}
	if o.Out != nil || !o.Known {
		l.add(o)
	}
}

// A masked gradient is one that ReLU's gradient is applied to, with the batch norm that
// ReLU follows.
type masked struct {
	gradient *graph.Value
	norm     *graph.Node
}

// rectified reports whether nothing needs the value of a batch norm but ReLU, which it
// returns or nil, and ReLU's gradient: it returns the nodes that apply that to the
// gradient of this batch norm, and remembers what they make.
func (l *lowering) rectified(norm *graph.Node) (relu *graph.Node, mask []*graph.Node, ok bool) {
	v := norm.Values[0]
	made := map[*graph.Value]masked{}
	for _, user := range l.users[v] {
		switch {
		case user == nil:
			return nil, nil, false
		case relu == nil && user.Op == compute.OpTypeMax && l.equals(other(user, v), 0):
			relu = user
		default:
			steps := l.stepOf(user, v)
			if steps == nil {
				return nil, nil, false
			}
			step := steps[len(steps)-1]
			product := l.only(step)
			if product == nil || product.Op != compute.OpTypeMul {
				return nil, nil, false
			}
			next := l.only(product)
			if next == nil || next.Op != compute.OpTypeBatchNormGradient || next.Inputs[0] != norm.Inputs[0] || next.Inputs[4] != product.Values[0] {
				return nil, nil, false
			}
			mask = append(append(mask, steps...), product)
			made[product.Values[0]] = masked{other(product, step.Values[0]), norm}
		}
	}
	maps.Copy(l.masked, made)
	return relu, mask, true
}
