package lower

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// pooling takes a window of maxima or sums over height and width. A sum takes
// along the division by the number of cells after it, or by a constant.
func (l *lowering) pooling(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.WindowAttrs)
	if !ok || !isFloat32(n.Values[0]) && !isUint8(n.Values[0]) || !ones(a.InputDilations) || !ones(a.Dilations) ||
		a.Reduction != compute.ReduceOpMax && a.Reduction != compute.ReduceOpSum {
		return false
	}
	window, ok := poolingWindow(a.Window, a.Strides, a.Paddings)
	if !ok {
		return false
	}
	o := &plan.Pooling{Maximum: a.Reduction == compute.ReduceOpMax, Window: window}
	v := n.Values[0]
	if isUint8(v) && !o.Maximum {
		return false
	}
	if !o.Maximum {
		dims := v.Shape().Dimensions
		o.Weights = slices.Repeat([]float32{1}, dims[1]*dims[2])
		if user := l.next(v); user != nil && l.weigh(o, user, v) {
			l.done[user.Index] = true
			v = user.Values[0]
		}
	}
	if l.poolIntegers(o, n.Inputs[0], v) {
		return true
	}
	if last := l.narrowing(v); l.Mixed && l.widened[n.Inputs[0].Node] && last != nil {
		l.done[last.Index] = true
		o.In, o.Out = l.source(n.Inputs[0]), l.tensor(last.Values[0])
	} else {
		o.In, o.Out = l.tensor(n.Inputs[0]), l.tensor(v)
	}
	l.add(o)
	return true
}

// weigh takes a multiplication or division of a sum by constants that are the
// same for all images and channels.
func (l *lowering) weigh(o *plan.Pooling, user *graph.Node, v *graph.Value) bool {
	if l.quantizes(user) {
		return false
	}
	if user.Op != compute.OpTypeDiv && user.Op != compute.OpTypeMul || user.Op == compute.OpTypeDiv && user.Inputs[0] != v {
		return false
	}
	with := other(user, v)
	by, ok := l.floats(with)
	dims := with.Shape().Dimensions
	switch {
	case !ok:
		return false
	case len(by) == 1:
		by = slices.Repeat(by, len(o.Weights))
	case len(dims) != 4 || dims[0] != 1 || dims[3] != 1 || len(by) != len(o.Weights):
		return false
	}
	for i, f := range by {
		if user.Op == compute.OpTypeDiv {
			o.Weights[i] /= f
		} else {
			o.Weights[i] *= f
		}
	}
	return true
}

// mean takes a sum over height and width, with a constant factor after it.
func (l *lowering) mean(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.AxesAttrs)
	in := n.Inputs
	if !ok || n.Op != compute.OpTypeReduceSum || !isFloat32(n.Values[0]) || in[0].Shape().Rank() != 4 || !slices.Equal(a.Axes, []int{1, 2}) {
		return false
	}
	from := l.tensor(in[0])
	o := &plan.Pooling{In: from, Window: kernel.Sliding(from.Image()), Weights: []float32{1}}
	v := n.Values[0]
	if user := l.next(v); user != nil && l.weigh(o, user, v) {
		l.done[user.Index] = true
		v = user.Values[0]
	}
	o.Out = l.tensor(v)
	l.add(o)
	return true
}

// poolingWindow returns the window of a pooling over height and width: false where it is
// over other axes, or where one of padding alone would have no cells.
func poolingWindow(size, strides []int, paddings [][2]int) (w kernel.Window, ok bool) {
	if len(size) != 4 || size[0] != 1 || size[3] != 1 {
		return w, false
	}
	w = kernel.Sliding(kernel.Pair{Y: size[1], X: size[2]})
	w.Stride = w.Kernel
	if len(strides) > 0 {
		if strides[0] != 1 || strides[3] != 1 {
			return w, false
		}
		w.Stride = kernel.Pair{Y: strides[1], X: strides[2]}
	}
	if len(paddings) > 0 {
		y, x := paddings[1], paddings[2]
		if paddings[0] != [2]int{} || paddings[3] != [2]int{} ||
			min(y[0], y[1], x[0], x[1]) < 0 || max(y[0], y[1]) >= w.Kernel.Y || max(x[0], x[1]) >= w.Kernel.X {
			return w, false
		}
		w.Padding = kernel.Pair{Y: y[0], X: x[0]}
	}
	return w, true
}
