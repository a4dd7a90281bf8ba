package lower

import (
	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// maxGradient takes the gradient of a maximum over height and width.
func (l *lowering) maxGradient(n *graph.Node) bool {
	a, ok := n.Attrs.(graph.SelectAttrs)
	if !ok || !isFloat32(n.Values[0]) ||
		l.isConstant(n.Inputs[0]) || l.isConstant(n.Inputs[1]) {
		return false
	}
	window, ok := poolingWindow(a.Window, a.Strides, a.Paddings)
	if !ok {
		return false
	}
	l.add(&plan.PoolingGradient{
		Maximum: true, Window: window,
		In: l.tensor(n.Inputs[0]), Gradient: l.tensor(n.Inputs[1]), To: l.tensor(n.Values[0]),
	})
	return true
}

// meanGradient takes the gradient of an average over height and width as GoMLX
// writes it: a division by the numbers of cells, zeros around and between the pixels,
// sums over the window, and the edges cut off.
func (l *lowering) meanGradient(n *graph.Node) bool {
	if n.Op != compute.OpTypeDiv || !isFloat32(n.Values[0]) || n.Values[0].Shape().Rank() != 4 || l.isConstant(n.Inputs[0]) {
		return false
	}
	weights, ok := l.byPixel(n.Inputs[1])
	if !ok {
		return false
	}
	dilated := l.only(n)
	if dilated == nil || dilated.Op != compute.OpTypePad || !l.equals(dilated.Inputs[1], 0) {
		return false
	}
	sum := l.only(dilated)
	if sum == nil || sum.Op != compute.OpTypeReduceWindow {
		return false
	}
	cut := l.only(sum)
	if cut == nil || cut.Op != compute.OpTypePad || cut.Inputs[0] != sum.Values[0] {
		return false
	}
	window := sum.Attrs.(graph.WindowAttrs)
	if window.Reduction != compute.ReduceOpSum || len(window.Strides) == 0 || !ones(window.Strides) || !ones(window.InputDilations) || !ones(window.Dilations) {
		return false
	}
	outer, inner := dilated.Attrs.(graph.PadAttrs).Axes, cut.Attrs.(graph.PadAttrs).Axes
	var size, stride, before [4]int
	for i := range 4 {
		if inner[i].Start > 0 || inner[i].End > 0 || inner[i].Interior != 0 {
			return false
		}
		low := 0
		if len(window.Paddings) > 0 {
			low = window.Paddings[i][0]
		}
		// Element e of the pixels is at place Start + e*stride of the dilated ones, which
		// the sums from low-size+1 places before it have in their window.
		size[i], stride[i] = window.Window[i], outer[i].Interior+1
		before[i] = -(outer[i].Start + low - size[i] + 1 + inner[i].Start)
	}
	for _, i := range []int{0, 3} {
		if size[i] != 1 || stride[i] != 1 || before[i] != 0 {
			return false
		}
	}
	in := cut.Values[0].Shape().Dimensions
	if min(before[1], before[2]) < 0 || before[1] >= size[1] || before[2] >= size[2] || in[0] != dilated.Inputs[0].Shape().Dimensions[0] {
		return false
	}
	of := kernel.Sliding(kernel.Pair{Y: size[1], X: size[2]})
	of.Stride, of.Padding = kernel.Pair{Y: stride[1], X: stride[2]}, kernel.Pair{Y: before[1], X: before[2]}
	for _, m := range []*graph.Node{dilated, sum, cut} {
		l.done[m.Index] = true
	}
	l.add(&plan.PoolingGradient{Gradient: l.tensor(n.Inputs[0]), To: l.tensor(cut.Values[0]), Window: of, Weights: weights})
	return true
}

// byPixel returns the inverse of a constant that is the same for all images and
// channels, by pixel.
func (l *lowering) byPixel(v *graph.Value) ([]float32, bool) {
	flat, ok := l.floats(v)
	dims := v.Shape().Dimensions
	if !ok || len(dims) != 4 {
		return nil, false
	}
	pixels, channels := dims[1]*dims[2], dims[3]
	inverse := make([]float32, pixels)
	for i := range inverse {
		inverse[i] = 1 / flat[i*channels]
	}
	for i := range flat {
		if flat[i] != flat[i/channels%pixels*channels] {
			return nil, false
		}
	}
	return inverse, true
}
