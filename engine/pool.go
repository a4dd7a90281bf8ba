package engine

import (
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A pooling takes the maximum, or the weighted sum, over a window of each channel.
type pooling struct {
	in, out          *tensor
	maximum          bool
	height, width    int // of the window
	strideY, strideX int
	top, left        int       // padding, whose cells do not count
	weights          []float32 // of a sum, by output pixel of one image: [out.h * out.w]
	bias             []float32 // [out.c]: what is added to a weighted sum, or nil
	relu             bool
	tables           tables
}

func (o *pooling) reads() []*tensor  { return []*tensor{o.in} }
func (o *pooling) writes() []*tensor { return []*tensor{o.out} }

// lowerPool takes a window of maxima or sums over height and width. A sum takes
// along the division by the number of cells after it, or by a constant.
func (l *lowering) lowerPool(n *node) bool {
	a, ok := n.attrs.(windowAttrs)
	if !ok || !isFloat32(n.values[0]) || len(a.window) != 4 || a.window[0] != 1 || a.window[3] != 1 ||
		!ones(a.inputDilations) || !ones(a.dilations) ||
		a.reduction != compute.ReduceOpMax && a.reduction != compute.ReduceOpSum {
		return false
	}
	o := &pooling{
		in: l.tensor(n.inputs[0]), maximum: a.reduction == compute.ReduceOpMax,
		height: a.window[1], width: a.window[2], strideY: a.window[1], strideX: a.window[2],
	}
	if len(a.strides) > 0 {
		if a.strides[0] != 1 || a.strides[3] != 1 {
			return false
		}
		o.strideY, o.strideX = a.strides[1], a.strides[2]
	}
	if len(a.paddings) > 0 {
		if a.paddings[0] != [2]int{} || a.paddings[3] != [2]int{} {
			return false
		}
		o.top, o.left = a.paddings[1][0], a.paddings[2][0]
		bottom, right := a.paddings[1][1], a.paddings[2][1]
		// A window of padding alone would have no cells.
		if min(o.top, o.left, bottom, right) < 0 || max(o.top, bottom) >= o.height || max(o.left, right) >= o.width {
			return false
		}
	}
	v := n.values[0]
	if !o.maximum {
		dims := v.shape().Dimensions
		o.weights = slices.Repeat([]float32{1}, dims[1]*dims[2])
		if user := l.next(v); user != nil && l.weigh(o, user, v) {
			l.done[user.index] = true
			v = user.values[0]
		}
	}
	o.out = l.tensor(v)
	l.operations = append(l.operations, o)
	return true
}

// weigh takes a multiplication or division of a sum by constants that are the
// same for all images and channels.
func (l *lowering) weigh(o *pooling, user *node, v *value) bool {
	if user.op != compute.OpTypeDiv && user.op != compute.OpTypeMul || user.op == compute.OpTypeDiv && user.inputs[0] != v {
		return false
	}
	with := other(user, v)
	by, ok := l.floats(with)
	dims := with.shape().Dimensions
	switch {
	case !ok:
		return false
	case len(by) == 1:
		by = slices.Repeat(by, len(o.weights))
	case len(dims) != 4 || dims[0] != 1 || dims[3] != 1 || len(by) != len(o.weights):
		return false
	}
	for i, f := range by {
		if user.op == compute.OpTypeDiv {
			o.weights[i] /= f
		} else {
			o.weights[i] *= f
		}
	}
	return true
}

// lowerMean takes a sum over height and width, with a constant factor after it.
func (l *lowering) lowerMean(n *node) bool {
	a, ok := n.attrs.(axesAttrs)
	in := n.inputs
	if !ok || n.op != compute.OpTypeReduceSum || !isFloat32(n.values[0]) || in[0].shape().Rank() != 4 || !slices.Equal(a.axes, []int{1, 2}) {
		return false
	}
	from := l.tensor(in[0])
	o := &pooling{in: from, height: from.h, width: from.w, strideY: 1, strideX: 1, weights: []float32{1}}
	v := n.values[0]
	if user := l.next(v); user != nil && l.weigh(o, user, v) {
		l.done[user.index] = true
		v = user.values[0]
	}
	o.out = l.tensor(v)
	l.operations = append(l.operations, o)
	return true
}

// projectFirst lets a convolution of single pixels go before the sums over windows that
// it reads, where it leaves fewer channels to sum. Both are linear, so the order does
// not matter; what else the convolution does is done to the sums. The outputs are read
// after the last operation.
func projectFirst(operations []operation, outputs []*tensor) {
	readers := map[*tensor][]int{} // by memory
	for at, o := range operations {
		for _, t := range o.reads() {
			readers[t.whole()] = append(readers[t.whole()], at)
		}
	}
	for _, t := range outputs {
		readers[t.whole()] = append(readers[t.whole()], len(operations))
	}
	for at, o := range operations {
		p, ok := o.(*pooling)
		if !ok || p.maximum || p.out.within != nil || p.in.pixels() != p.out.pixels() || len(readers[p.out]) != 1 {
			continue
		}
		reader := readers[p.out][0]
		if reader == len(operations) {
			continue
		}
		c, ok := operations[reader].(*convolution)
		if !ok || c.in != p.out || !c.simple() || c.kernel != nil || c.out.c >= p.out.c {
			continue
		}
		projected, pooled := *c, *p
		between := &tensor{n: p.in.n, h: p.in.h, w: p.in.w, c: c.out.c}
		projected.in, projected.out = p.in, between
		projected.bias, projected.relu = nil, false
		pooled.in, pooled.out = between, c.out
		pooled.bias, pooled.relu = c.bias, c.relu
		operations[at], operations[reader] = &projected, &pooled
	}
}

// pool is a pooling in groups of output pixels.
type pool struct {
	*pooling
	kernels *kernel.Set
	windows *kernel.Windows
	weights []float32 // by output pixel of all images; nil for maxima
}

// poolPixels is how many output pixels are a part of the work.
const poolPixels = 64

func newPool(o *pooling, kernels *kernel.Set) *pool {
	p := &pool{pooling: o, kernels: kernels}
	p.windows = o.tables.windowsOf(o)
	if !o.maximum {
		p.weights = slices.Repeat(o.weights, o.in.n)
	}
	return p
}

func (o *pool) bind(r *run) func() error {
	pixels := o.windows.Outputs()
	return r.parallel((pixels+poolPixels-1)/poolPixels, func(part, _ int) {
		p := kernel.PoolingF32{
			Windows: o.windows, Channels: o.in.c, X: o.in.in(r), Pitch: o.in.pitch,
			Y: o.out.in(r), PitchY: o.out.pitch, Weights: o.weights, Bias: o.bias, ReLU: o.relu,
		}
		o.kernels.Pool(&p, part*poolPixels, min((part+1)*poolPixels, pixels))
	})
}
