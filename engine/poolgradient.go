package engine

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A poolingGradient is the gradient of a pooling with respect to its input.
type poolingGradient struct {
	*pooling         // of it; out is the gradient with respect to its output
	to       *tensor // the gradient with respect to in
}

func (o *poolingGradient) reads() []*tensor {
	if o.maximum {
		return []*tensor{o.in, o.out}
	}
	return []*tensor{o.out} // in is there for its size
}

func (o *poolingGradient) writes() []*tensor { return []*tensor{o.to} }

// lowerMaxGradient takes the gradient of a maximum over height and width.
func (l *lowering) lowerMaxGradient(n *node) bool {
	a, ok := n.attrs.(selectAttrs)
	if !ok || !isFloat32(n.values[0]) || len(a.window) != 4 || a.window[0] != 1 || a.window[3] != 1 ||
		l.constant[n.inputs[0].node.index] || l.constant[n.inputs[1].node.index] {
		return false
	}
	p := &pooling{maximum: true, height: a.window[1], width: a.window[2], strideY: a.window[1], strideX: a.window[2]}
	if len(a.strides) > 0 {
		if a.strides[0] != 1 || a.strides[3] != 1 {
			return false
		}
		p.strideY, p.strideX = a.strides[1], a.strides[2]
	}
	if len(a.paddings) > 0 {
		y, x := a.paddings[1], a.paddings[2]
		if a.paddings[0] != [2]int{} || a.paddings[3] != [2]int{} ||
			min(y[0], y[1], x[0], x[1]) < 0 || max(y[0], y[1]) >= p.height || max(x[0], x[1]) >= p.width {
			return false
		}
		p.top, p.left = y[0], x[0]
	}
	p.in, p.out = l.tensor(n.inputs[0]), l.tensor(n.inputs[1])
	l.operations = append(l.operations, &poolingGradient{p, l.tensor(n.values[0])})
	return true
}

// lowerMeanGradient takes the gradient of an average over height and width as GoMLX
// writes it: a division by the numbers of cells, zeros around and between the pixels,
// sums over the window, and the edges cut off.
func (l *lowering) lowerMeanGradient(n *node) bool {
	if n.op != compute.OpTypeDiv || !isFloat32(n.values[0]) || n.values[0].shape().Rank() != 4 || l.constant[n.inputs[0].node.index] {
		return false
	}
	weights, ok := l.byPixel(n.inputs[1])
	if !ok {
		return false
	}
	spread := l.only(n)
	if spread == nil || spread.op != compute.OpTypePad || !l.isConstant(spread.inputs[1], 0) {
		return false
	}
	sum := l.only(spread)
	if sum == nil || sum.op != compute.OpTypeReduceWindow {
		return false
	}
	cut := l.only(sum)
	if cut == nil || cut.op != compute.OpTypePad || cut.inputs[0] != sum.values[0] {
		return false
	}
	window := sum.attrs.(windowAttrs)
	if window.reduction != compute.ReduceOpSum || len(window.strides) == 0 || !ones(window.strides) || !ones(window.inputDilations) || !ones(window.dilations) {
		return false
	}
	outer, inner := spread.attrs.(padAttrs).axes, cut.attrs.(padAttrs).axes
	var size, stride, before [4]int
	for i := range 4 {
		if inner[i].Start > 0 || inner[i].End > 0 || inner[i].Interior != 0 {
			return false
		}
		low := 0
		if len(window.paddings) > 0 {
			low = window.paddings[i][0]
		}
		// Element e of the pixels is at place Start + e*stride of the spread ones, which
		// the sums from low-size+1 places before it have in their window.
		size[i], stride[i] = window.window[i], outer[i].Interior+1
		before[i] = -(outer[i].Start + low - size[i] + 1 + inner[i].Start)
	}
	for _, i := range []int{0, 3} {
		if size[i] != 1 || stride[i] != 1 || before[i] != 0 {
			return false
		}
	}
	in := cut.values[0].shape().Dimensions
	if min(before[1], before[2]) < 0 || before[1] >= size[1] || before[2] >= size[2] || in[0] != spread.inputs[0].shape().Dimensions[0] {
		return false
	}
	to := l.tensor(cut.values[0])
	p := &pooling{
		in: to, out: l.tensor(n.inputs[0]), height: size[1], width: size[2],
		strideY: stride[1], strideX: stride[2], top: before[1], left: before[2], weights: weights,
	}
	for _, m := range []*node{spread, sum, cut} {
		l.done[m.index] = true
	}
	l.operations = append(l.operations, &poolingGradient{p, to})
	return true
}

// byPixel returns the inverse of a constant that is the same for all images and
// channels, by pixel.
func (l *lowering) byPixel(v *value) ([]float32, bool) {
	flat, ok := l.floats(v)
	dims := v.shape().Dimensions
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

// pooled is a poolingGradient in parts of images and channels.
type pooled struct {
	*poolingGradient
	kernels *kernel.Set
	windows *kernel.Windows
	weights []float32
	groups  int // of channels
}

func newPooled(o *poolingGradient, kernels *kernel.Set, threads int) *pooled {
	p := &pooled{poolingGradient: o, kernels: kernels, groups: min(ceil(4*threads, o.in.n), ceil(o.in.c, floatsPerLine))}
	p.windows = o.tables.windowsOf(o.pooling)
	if !o.maximum {
		p.weights = slices.Repeat(o.pooling.weights, o.in.n)
	}
	return p
}

func (o *pooled) bind(r *run) func() error {
	lines := ceil(o.in.c, floatsPerLine)
	inputs, outputs := o.to.h*o.to.w, o.out.h*o.out.w
	return r.parallel(o.in.n*o.groups, func(part, _ int) {
		p := kernel.PoolingGradientF32{
			Windows: o.windows, Channels: o.in.c, DY: o.out.in(r), PitchDY: o.out.pitch, Weights: o.weights,
			DX: o.to.in(r), PitchDX: o.to.pitch,
		}
		if o.maximum {
			p.X, p.Pitch = o.in.in(r), o.in.pitch
		}
		image, group := part/o.groups, part%o.groups
		first := min(group*lines/o.groups*floatsPerLine, o.in.c)
		last := min((group+1)*lines/o.groups*floatsPerLine, o.in.c)
		for i := image * inputs; i < (image+1)*inputs; i++ {
			clear(p.DX[i*p.PitchDX:][first:last])
		}
		o.kernels.PoolGradient(&p, image*outputs, (image+1)*outputs, first, last)
	})
}
