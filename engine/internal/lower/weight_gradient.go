package lower

import (
	"slices"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// weightGradient takes the convolution that GoMLX makes of the gradient: the batch and the
// channels of the input change places, the gradient of the output is the kernel, and the
// strides are the distances of its pixels.
func (l *lowering) weightGradient(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.ConvAttrs)
	if !ok || !isFloat32(n.Values[0]) || a.ChannelGroups > 1 || a.BatchGroups > 1 || !ones(a.InputDilations) ||
		l.isConstant(n.Inputs[0]) || l.isConstant(n.Inputs[1]) {
		return false
	}
	x := a.Axes
	if x.InputBatch != 3 || x.InputChannels != 0 || !slices.Equal(x.InputSpatial, []int{1, 2}) ||
		x.KernelInputChannels != 0 || x.KernelOutputChannels != 3 || !slices.Equal(x.KernelSpatial, []int{1, 2}) ||
		x.OutputBatch != 2 || x.OutputChannels != 3 || !slices.Equal(x.OutputSpatial, []int{0, 1}) {
		return false
	}
	size := n.Values[0].Shape().Dimensions
	window := kernel.Sliding(kernel.Pair{Y: size[0], X: size[1]})
	window.Stride, window.Dilation = pair(a.KernelDilations), pair(a.Strides)
	if len(a.Paddings) > 0 {
		window.Padding = kernel.Pair{Y: a.Paddings[0][0], X: a.Paddings[1][0]}
	}
	l.addWeightGradient(n.Inputs[0], n.Inputs[1], window, n.Values[0])
	return true
}

// addWeightGradient adds the gradient v, with its values side by side as those of the
// weights are. Of bfloat16 values where there are kernels for it; it is rounded then, if it is.
func (l *lowering) addWeightGradient(in, gradient *graph.Value, window kernel.Window, v *graph.Value) {
	o := &plan.WeightGradient{Window: window}
	if l.Gradients && isWidening(in.Node) && isWidening(gradient.Node) {
		in, gradient = in.Node.Inputs[0], gradient.Node.Inputs[0]
		if narrow := l.narrowing(v); narrow != nil {
			if wide := l.next(narrow.Values[0]); wide != nil && isWidening(wide) {
				l.done[narrow.Index], l.done[wide.Index] = true, true
				o.Rounded, v = true, wide.Values[0]
			}
		}
	}
	o.In, o.Gradient, o.To = l.tensor(in), l.tensor(gradient), l.tensor(v)
	o.To.Dense = true
	l.add(o)
}
