package engine

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
)

// A convolution computes
//
//	out = activation(scale * sum over the window of in * weights + bias [+ residual])
//
// for [n, h, w, c] pixels. Dense layers are convolutions of one pixel.
type convolution struct {
	in, residual, out *tensor   // residual may be nil
	weights           []float32 // [height][width][in.c][out.c], where they are constant,
	kernel            *tensor   // or the same as pixels of out.c channels
	packed            *tensor   // memory for kernel in the order of its algorithm
	transposed        bool      // weights and kernel have [out.c][in.c]
	flipped           bool      // kernel has the window's last row and column first
	scale, bias       []float32 // [out.c]: of the weights, and what is added
	height, width     int       // of the window
	strideY, strideX  int
	spreadY, spreadX  int // distance of the input's pixels, with zeros between them
	holeY, holeX      int // distance of the window's pixels
	top, left         int // padding
	relu              bool
	tables            tables
}

func (o *convolution) reads() []*tensor {
	return present([]*tensor{o.in, o.residual, o.kernel})
}

func (o *convolution) writes() []*tensor { return present([]*tensor{o.out, o.packed}) }

// lowerConvolution takes a convolution over N,H,W,C.
func (l *lowering) lowerConvolution(n *node) bool {
	o, ok := l.recognizeConvolution(n)
	if !ok {
		return false
	}
	l.addConvolution(o, n.values[0])
	return true
}

// recognizeConvolution returns the convolution that a node is, without its output,
// if it has a kernel here. The gradient of a convolution with respect to its input
// is one: the channels of the weights change places, their window is reversed, and
// the stride becomes the distance of the input's pixels.
func (l *lowering) recognizeConvolution(n *node) (*convolution, bool) {
	a, ok := n.attrs.(convAttrs)
	if !ok || !isFloat32(n.values[0]) || l.constant[n.inputs[0].node.index] || a.channelGroupCount > 1 || a.batchGroups > 1 {
		return nil, false
	}
	o := &convolution{}
	x := a.axes
	o.transposed = x.KernelInputChannels == 3 && x.KernelOutputChannels == 2
	if !slices.Equal(x.InputSpatial, []int{1, 2}) || x.InputBatch != 0 || x.InputChannels != 3 ||
		!slices.Equal(x.OutputSpatial, []int{1, 2}) || x.OutputBatch != 0 || x.OutputChannels != 3 ||
		!slices.Equal(x.KernelSpatial, []int{0, 1}) || !o.transposed && (x.KernelInputChannels != 2 || x.KernelOutputChannels != 3) {
		return nil, false
	}
	o.strideY, o.strideX = pair(a.strides)
	o.spreadY, o.spreadX = pair(a.inputDilations)
	o.holeY, o.holeX = pair(a.kernelDilations)
	if len(a.paddings) > 0 {
		o.top, o.left = a.paddings[0][0], a.paddings[1][0]
	}
	kernel := n.inputs[1].shape().Dimensions
	o.height, o.width = kernel[0], kernel[1]
	if weights, ok := l.floats(n.inputs[1]); ok {
		o.weights = weights
	} else if l.constant[n.inputs[1].node.index] {
		return nil, false
	} else if original, ok := l.reversed(n.inputs[1]); ok {
		o.flipped, o.kernel = true, l.tensor(original)
	} else {
		o.kernel = l.tensor(n.inputs[1])
	}
	o.in = l.tensor(n.inputs[0])
	return o, true
}

// pair returns the values for height and width: 1 where there are none.
func pair(values []int) (y, x int) {
	if len(values) == 0 {
		return 1, 1
	}
	return values[0], values[1]
}

// reversed returns what v is with its window reversed, if v is nothing else.
func (l *lowering) reversed(v *value) (*value, bool) {
	a, ok := v.node.attrs.(axesAttrs)
	if v.node.op != compute.OpTypeReverse || !ok || !slices.Equal(a.axes, []int{0, 1}) || !isFloat32(v) || v.shape().Rank() != 4 {
		return nil, false
	}
	return v.node.inputs[0], true
}

// lowerReverse takes the reversal of a window that only convolutions read, which do
// it themselves.
func (l *lowering) lowerReverse(n *node) bool {
	v := n.values[0]
	if _, ok := l.reversed(v); !ok {
		return false
	}
	for _, user := range l.users[v] {
		if user == nil || user.inputs[0] == v {
			return false
		}
		if _, ok := l.recognizeConvolution(user); !ok {
			return false
		}
	}
	return true
}

func ones(values []int) bool {
	for _, v := range values {
		if v != 1 {
			return false
		}
	}
	return true
}

// lowerDense takes [n, k] times [k, m], or times [m, k] transposed.
func (l *lowering) lowerDense(n *node) bool {
	a, ok := n.attrs.(dotAttrs)
	if !ok || !isFloat32(n.values[0]) || n.inputs[0].shape().Rank() != 2 || n.inputs[1].shape().Rank() != 2 ||
		len(a.lhsBatch) != 0 || len(a.lhsContracting) != 1 || a.lhsContracting[0] != 1 || l.constant[n.inputs[0].node.index] {
		return false
	}
	o := &convolution{height: 1, width: 1, strideY: 1, strideX: 1, spreadY: 1, spreadX: 1, holeY: 1, holeX: 1, transposed: a.rhsContracting[0] == 1}
	if weights, ok := l.floats(n.inputs[1]); ok {
		o.weights = weights
	} else if l.constant[n.inputs[1].node.index] {
		return false
	} else {
		o.kernel = l.tensor(n.inputs[1])
	}
	o.in = l.tensor(n.inputs[0])
	l.addConvolution(o, n.values[0])
	return true
}

// addConvolution adds a convolution whose sums are v, with what follows it: batch
// norm as a multiplication and an addition by channel, biases, the scaled sum with
// a residual, and ReLU.
func (l *lowering) addConvolution(o *convolution, v *value) {
	dims := v.shape().Dimensions
	channels := dims[len(dims)-1]
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
