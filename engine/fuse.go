package engine

import (
	"math"

	"github.com/gomlx/compute"
)

// A convolution computes
//
//	out = activation(scale * sum over the window of in * weights + bias [+ residual])
//
// for [n, h, w, c] pixels. Dense layers are convolutions of one pixel.
type convolution struct {
	in, residual, out *tensor   // residual may be nil
	weights           []float32 // [height][width][in.c][out.c]
	scale, bias       []float32 // [out.c]: of the weights, and what is added
	height, width     int       // of the window
	strideY, strideX  int
	top, left         int // padding
	relu              bool
}

func (o *convolution) reads() []*tensor {
	if o.residual != nil {
		return []*tensor{o.in, o.residual}
	}
	return []*tensor{o.in}
}

func (o *convolution) writes() []*tensor { return []*tensor{o.out} }

// lowerConvolution takes a convolution over N,H,W,C with constant weights.
func (l *lowering) lowerConvolution(n *node) bool {
	a, ok := n.attrs.(convAttrs)
	if !ok || !isFloat32(n.values[0]) || !a.plain() {
		return false
	}
	weights, ok := l.floats(n.inputs[1])
	if !ok || l.constant[n.inputs[0].node.index] {
		return false
	}
	kernel := n.inputs[1].shape().Dimensions
	o := &convolution{
		in: l.tensor(n.inputs[0]), weights: weights, height: kernel[0], width: kernel[1],
		strideY: 1, strideX: 1,
	}
	if len(a.strides) > 0 {
		o.strideY, o.strideX = a.strides[0], a.strides[1]
	}
	if len(a.paddings) > 0 {
		o.top, o.left = a.paddings[0][0], a.paddings[1][0]
		if min(o.top, o.left, a.paddings[0][1], a.paddings[1][1]) < 0 {
			return false
		}
	}
	l.addConvolution(o, n.values[0], kernel[3])
	return true
}

// plain reports whether the axes are N,H,W,C and height, width, inputs, outputs,
// without dilation or groups.
func (a convAttrs) plain() bool {
	x := a.axes
	if len(x.InputSpatial) != 2 || x.InputBatch != 0 || x.InputChannels != 3 || x.InputSpatial[0] != 1 || x.InputSpatial[1] != 2 ||
		x.KernelInputChannels != 2 || x.KernelOutputChannels != 3 || x.KernelSpatial[0] != 0 || x.KernelSpatial[1] != 1 ||
		x.OutputBatch != 0 || x.OutputChannels != 3 || x.OutputSpatial[0] != 1 || x.OutputSpatial[1] != 2 {
		return false
	}
	return ones(a.inputDilations) && ones(a.kernelDilations) && a.channelGroupCount <= 1 && a.batchGroups <= 1
}

func ones(values []int) bool {
	for _, v := range values {
		if v != 1 {
			return false
		}
	}
	return true
}

// lowerDense takes [n, k] times constant [k, m].
func (l *lowering) lowerDense(n *node) bool {
	a, ok := n.attrs.(dotAttrs)
	if !ok || !isFloat32(n.values[0]) || n.inputs[0].shape().Rank() != 2 || n.inputs[1].shape().Rank() != 2 ||
		len(a.lhsBatch) != 0 || len(a.lhsContracting) != 1 || a.lhsContracting[0] != 1 || a.rhsContracting[0] != 0 {
		return false
	}
	weights, ok := l.floats(n.inputs[1])
	if !ok || l.constant[n.inputs[0].node.index] {
		return false
	}
	o := &convolution{in: l.tensor(n.inputs[0]), weights: weights, height: 1, width: 1, strideY: 1, strideX: 1}
	l.addConvolution(o, n.values[0], n.inputs[1].shape().Dimensions[1])
	return true
}

// addConvolution adds a convolution whose sums are v, with what follows it: batch
// norm as a multiplication and an addition by channel, biases, the scaled sum with
// a residual, and ReLU.
func (l *lowering) addConvolution(o *convolution, v *value, channels int) {
	o.scale, o.bias = make([]float32, channels), make([]float32, channels)
	for i := range o.scale {
		o.scale[i] = 1
	}
	for user := l.next(v); user != nil; user = l.next(v) {
		if user.values[0].shape().Dimensions == nil || !user.values[0].shape().Equal(v.shape()) || !l.fuse(o, user, v) {
			break
		}
		l.done[user.index] = true
		v = user.values[0]
		if o.relu {
			break
		}
	}
	o.out = l.tensor(v)
	l.operations = append(l.operations, o)
}

// fuse takes one operation after a convolution into it, if it can.
func (l *lowering) fuse(o *convolution, user *node, v *value) bool {
	if len(user.inputs) != 2 {
		return false
	}
	with := other(user, v)
	factor, byChannel := l.byChannel(with, len(o.scale))
	switch user.op {
	case compute.OpTypeMul:
		if !byChannel || o.residual != nil {
			return false
		}
		for i := range o.scale {
			o.scale[i] *= factor[i]
			o.bias[i] *= factor[i]
		}
	case compute.OpTypeAdd:
		switch {
		case byChannel:
			for i := range o.bias {
				o.bias[i] += factor[i]
			}
		case o.residual == nil && isFloat32(with) && with != v && !l.constant[with.node.index] && with.shape().Equal(v.shape()) && l.computed(with):
			o.residual = l.tensor(with)
		default:
			return false
		}
	case compute.OpTypeMax:
		if !byChannel {
			return false
		}
		for _, f := range factor {
			if f != 0 || math.Signbit(float64(f)) {
				return false
			}
		}
		o.relu = true
	default:
		return false
	}
	return true
}

// byChannel returns a constant that is one value, or one a channel, as one a
// channel.
func (l *lowering) byChannel(v *value, channels int) ([]float32, bool) {
	flat, ok := l.floats(v)
	dims := v.shape().Dimensions
	switch {
	case !ok:
		return nil, false
	case len(flat) == 1:
		all := make([]float32, channels)
		for i := range all {
			all[i] = flat[0]
		}
		return all, true
	case len(flat) == channels && dims[len(dims)-1] == channels:
		return flat, true
	}
	return nil, false
}
