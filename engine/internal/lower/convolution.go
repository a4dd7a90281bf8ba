package lower

import (
	"math"
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// convolution takes a convolution over N,H,W,C.
func (l *lowering) convolution(n *graph.Node) bool {
	o, weights, ok := l.recognizeConvolution(n)
	if !ok {
		return false
	}
	if l.addIntegers(o, n) || l.addMixed(o, n) || l.addTrained(o, weights, n) {
		return true
	}
	if weights != nil {
		o.Kernel = l.tensor(weights)
	}
	if o.Weights == nil && o.Integers == nil && o.Kernel == nil {
		o.Weights, _ = l.floats(n.Inputs[1])
	}
	l.addConvolution(o, n.Inputs[0], n.Values[0])
	return true
}

// recognizeConvolution returns the convolution that a node is, without its input and output, if it
// has a kernel here, and its weights if they are not constant. The gradient of a convolution with
// respect to its input is one: the channels of the weights change places, their window is
// reversed, and the stride becomes the distance of the input's pixels.
func (l *lowering) recognizeConvolution(n *graph.Node) (o *plan.Convolution, trained *graph.Value, ok bool) {
	a, ok := n.Attrs.(graph.ConvAttrs)
	if !ok || !isFloat32(n.Values[0]) || l.isConstant(n.Inputs[0]) || a.ChannelGroups > 1 || a.BatchGroups > 1 {
		return nil, nil, false
	}
	o = &plan.Convolution{}
	x := a.Axes
	o.Transposed = x.KernelInputChannels == 3 && x.KernelOutputChannels == 2
	if !slices.Equal(x.InputSpatial, []int{1, 2}) || x.InputBatch != 0 || x.InputChannels != 3 ||
		!slices.Equal(x.OutputSpatial, []int{1, 2}) || x.OutputBatch != 0 || x.OutputChannels != 3 ||
		!slices.Equal(x.KernelSpatial, []int{0, 1}) || !o.Transposed && (x.KernelInputChannels != 2 || x.KernelOutputChannels != 3) {
		return nil, nil, false
	}
	size := n.Inputs[1].Shape().Dimensions
	o.Window = kernel.Window{
		Kernel: kernel.Pair{Y: size[0], X: size[1]}, Stride: pair(a.Strides),
		Dilation: pair(a.KernelDilations), InputDilation: pair(a.InputDilations),
	}
	if len(a.Paddings) > 0 {
		o.Window.Padding = kernel.Pair{Y: a.Paddings[0][0], X: a.Paddings[1][0]}
	}
	if integers, ok := l.integerWeights(n.Inputs[1]); ok {
		o.Integers = integers
	} else if l.isRounded(n.Inputs[1]) {
		// They are rounded where they are wanted as float32.
	} else if weights, ok := l.floats(n.Inputs[1]); ok {
		o.Weights = weights
	} else if l.isConstant(n.Inputs[1]) {
		return nil, nil, false
	} else if original, ok := l.reversed(n.Inputs[1]); ok {
		o.Flipped, trained = true, original
	} else {
		trained = n.Inputs[1]
	}
	return o, trained, true
}

// pair returns the values for height and width: 1 where there are none.
func pair(values []int) kernel.Pair {
	if len(values) == 0 {
		return kernel.Square(1)
	}
	return kernel.Pair{Y: values[0], X: values[1]}
}

// reversed returns what v is with its window reversed, if v is nothing else.
func (l *lowering) reversed(v *graph.Value) (*graph.Value, bool) {
	a, ok := v.Node.Attrs.(graph.AxesAttrs)
	if v.Node.Op != compute.OpTypeReverse || !ok || !slices.Equal(a.Axes, []int{0, 1}) || !isFloat32(v) || v.Shape().Rank() != 4 {
		return nil, false
	}
	return v.Node.Inputs[0], true
}

// reversal takes the reversal of a window that only convolutions read, which do
// it themselves.
func (l *lowering) reversal(n *graph.Node) bool {
	v := n.Values[0]
	if _, ok := l.reversed(v); !ok {
		return false
	}
	for _, user := range l.users[v] {
		if user == nil || user.Inputs[0] == v {
			return false
		}
		if _, _, ok := l.recognizeConvolution(user); !ok {
			return false
		}
	}
	return true
}

// A chain is a convolution with what follows it.
type chain struct {
	*plan.Convolution
	mixed    bool
	residual *graph.Value
	nodes    []*graph.Node
	end      *graph.Value
}

// addConvolution adds a convolution of in whose sums are v, with what follows it: batch
// norm as a multiplication and an addition by channel, biases, the scaled sum with
// a residual, and ReLU.
//
// The result of one with a stride, as that of the images is, is rounded at once where it is
// only rounded. Others may be computed by Winograd's algorithm, which does not.
func (l *lowering) addConvolution(o *plan.Convolution, in, v *graph.Value) {
	c := l.follow(o, v, false)
	o.In = l.tensor(in)
	if c.residual != nil {
		o.Residual = l.tensor(c.residual)
	}
	if o.Weights != nil && o.Residual == nil && o.Window.Stride != kernel.Square(1) && len(l.users[c.end]) == 1 {
		if rounded, ok := l.roundedResults(c.end); ok {
			l.addRounded(c, rounded)
			return
		}
	}
	l.addChain(c)
}

func (l *lowering) addChain(c *chain) {
	for _, n := range c.nodes {
		l.done[n.Index] = true
	}
	c.Out = l.tensor(c.end)
	l.add(c.Convolution)
}

// follow finds what follows a convolution whose sums are v, as far as it can be computed
// with it. In mixed precision no factors are, as weights are rounded with the factors that
// they have in the graph. What is added may be about to be widened, there and where integers are
// multiplied.
func (l *lowering) follow(o *plan.Convolution, v *graph.Value, mixed bool) *chain {
	dims := v.Shape().Dimensions
	channels := dims[len(dims)-1]
	o.Scale, o.Bias = make([]float32, channels), make([]float32, channels)
	for i := range o.Scale {
		o.Scale[i] = 1
	}
	c := &chain{Convolution: o, mixed: mixed, end: v}
	for user := l.next(c.end); user != nil && !o.ReLU && !l.quantizes(user); user = l.next(c.end) {
		if user.Values[0].Shape().Dimensions == nil || !user.Values[0].Shape().Equal(v.Shape()) || !l.fuse(c, user) {
			break
		}
		c.nodes, c.end = append(c.nodes, user), user.Values[0]
	}
	return c
}

// fuse takes one operation after a convolution into it, if it can.
func (l *lowering) fuse(o *chain, user *graph.Node) bool {
	if len(user.Inputs) != 2 {
		return false
	}
	with := other(user, o.end)
	factor, byChannel := l.byChannel(with, len(o.Scale))
	switch user.Op {
	case compute.OpTypeMul:
		if !byChannel || o.residual != nil || o.mixed {
			return false
		}
		for i := range o.Scale {
			o.Scale[i] *= factor[i]
			o.Bias[i] *= factor[i]
		}
	case compute.OpTypeAdd:
		switch {
		case byChannel:
			for i := range o.Bias {
				o.Bias[i] += factor[i]
			}
		case o.residual == nil && isFloat32(with) && with != o.end && !l.isConstant(with) && with.Shape().Equal(o.end.Shape()) &&
			(l.computed(with) || (o.mixed || o.Integers != nil) && isWidening(with.Node) && l.computed(with.Node.Inputs[0]) || l.widens(with)):
			o.residual = with
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
		o.ReLU = true
	default:
		return false
	}
	return true
}
