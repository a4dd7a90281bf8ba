package arch

import (
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/support/exceptions"
)

// batchNormEpsilon is TF-slim's, and that of all public weights.
const batchNormEpsilon = 1e-3

// A builder goes through one network layer by layer and keeps the layers as data. It
// adds them to a graph where there is one, and describes them where there is none.
type builder struct {
	*construction
	scope string // of the layers to come, relative to the network's; ends in "/" unless empty
	keeps keeping
}

// keeping is what layers to come keep for the gradients where activations are computed
// again: what convolutions compute, before batch norm, and the sums of residual blocks,
// before ReLU.
type keeping struct{ convolutions, sums bool }

// construction is what the builders of one network share.
type construction struct {
	network   *Network
	root      *model.Scope // nil where the network is only described
	graph     *graph.Graph // nil where the network is only described
	dtype     dtypes.DType // of the images and the parameters
	paper     bool         // the images have the size and the layers the width that the figures' shapes are for
	endPoints map[string]*value
	grid      *value // the last block's, that the head pools

	classWeights *model.Variable // of the logits

	statistics map[string]*graph.Node // of batches, by what they should move

	layers     []Layer
	outputs    []*value // of the layers
	parameters []Parameter

	activations map[int]*Activation         // of an int8 network, by layer
	scales      map[*Activation]*graph.Node // of those whose parameters are listed
}

// newBuilder returns a builder for images, and for the scope that has the parameters,
// nil where the network is only described.
func newBuilder(n *Network, scope *model.Scope, images *value) *builder {
	c := &construction{
		network:   n,
		root:      scope,
		paper:     images.shape[1] == 299 && images.shape[2] == 299 && n.options.Width == 1,
		endPoints: map[string]*value{}, statistics: map[string]*graph.Node{},
	}
	if images.node != nil {
		c.graph, c.dtype = images.node.Graph(), images.node.DType()
	}
	if n.options.Precision == Int8 {
		c.activations, c.scales = n.activationsByLayer(), map[*Activation]*graph.Node{}
	}
	return &builder{construction: c, keeps: keeping{convolutions: true, sums: true}}
}

// in returns a builder for the layers below the given scope.
func (b *builder) in(scope string) *builder {
	return &builder{b.construction, b.scope + scope + "/", b.keeps}
}

// stage adds a figure under a scope of its own and makes its output an end
// point. The output of a figure is side x side x channels when the network is the
// paper's in size and width; that is asserted.
func (b *builder) stage(name string, x *value, side, channels int, figure func(b *builder, x *value) *value) *value {
	return b.endPoint(name, figure(b.in(name), x), side, channels)
}

// layer is a convolution that stands between the figures, and an end point.
func (b *builder) layer(x *value, name string, channels int, w window, side int) *value {
	return b.endPoint(name, b.conv(x, name, channels, w), side, channels)
}

// recomputes reports whether activations are computed again for the gradients.
func (b *builder) recomputes() bool {
	return b.graph != nil && b.network.options.Recompute && b.root.IsTraining(b.graph)
}

// keep keeps a value for the gradients where activations are computed again. What
// follows is computed from it.
func (b *builder) keep(x *value) *value {
	if !b.recomputes() {
		return x
	}
	return x.then(x.shape, (*graph.Node).Checkpoint)
}

// keepLast is keep where nothing of what follows is to be computed again.
func (b *builder) keepLast(x *value) *value {
	if !b.recomputes() {
		return x
	}
	return x.then(x.shape, (*graph.Node).StopCheckpoint)
}

// forget applies figures of which nothing but the end is kept: stems, whose activations
// are the largest and whose convolutions are the cheapest for their size.
func (b *builder) forget(x *value, figures func(b *builder, x *value) *value) *value {
	return b.keep(figures(&builder{b.construction, b.scope, keeping{}}, x))
}

func (b *builder) endPoint(name string, x *value, side, channels int) *value {
	if b.paper && (x.shape[1] != side || x.shape[2] != side || x.shape[3] != channels) {
		exceptions.Panicf("%s: %s should be %d x %d x %d for this input, found %v", b.network.Name(), b.scope+name, side, side, channels, x.shape)
	}
	b.endPoints[b.scope+name] = x
	return x
}

// width applies the width multiplier to a number of channels.
func (b *builder) width(channels int) int {
	if b.network.options.Width == 1 {
		return channels
	}
	return max(8, 8*int(math.Round(float64(channels)*b.network.options.Width/8)))
}

// A window is a kernel's height and width with stride and padding.
type window struct {
	height, width, stride int
	valid                 bool // TensorFlow's VALID padding (none), "V" in the figures; else SAME
}

func same(height, width int) window { return window{height, width, 1, false} }

func valid(size, stride int) window { return window{size, size, stride, true} }

// slide returns the shape of x when the window has gone over it, with the given
// channels.
func (w window) slide(x *value, channels int) []int {
	out := func(in, kernel int) int {
		if w.valid {
			return (in-kernel)/w.stride + 1
		}
		return (in + w.stride - 1) / w.stride
	}
	return []int{x.shape[0], out(x.shape[1], w.height), out(x.shape[2], w.width), channels}
}

// conv is a convolution followed by batch norm and ReLU, as every convolution in
// the paper is that is not marked "Linear".
func (b *builder) conv(x *value, name string, channels int, w window) *value {
	at := b.in(name)
	parameters := b.parameterCount()
	y := b.narrow(relu(at.normalized(x, b.width(channels), w)))
	return b.record(name, Layer{Kind: Convolution, Activation: "relu", MultiplyAdds: multiplyAdds(x, y, w)}, w, parameters, y, x)
}

// linear is a 1x1 convolution with a bias, without batch norm or activation, times a
// scale: the "Linear" expansions of the residual blocks. The channels are not subject to
// the width multiplier. The sum with the residual, which is bfloat16 where x is, is
// float32.
func (b *builder) linear(x *value, name string, channels int, scale float64) (y, scaled *value) {
	at, w := b.in(name), same(1, 1)
	parameters := b.parameterCount()
	if b.quantizes() {
		y = at.folded(x, channels, w) // the scale, too
		y = b.record(name, Layer{Kind: Convolution, MultiplyAdds: multiplyAdds(x, y, w)}, w, parameters, y, x)
		return y, y
	}
	kernel := at.kernel(x, channels, w)
	biases := at.parameter("biases", initializer.Zero, true, channels)
	y = x.then(w.slide(x, channels), func(x *graph.Node) *graph.Node {
		weights, biases := kernel.NodeValue(b.graph), biases.NodeValue(b.graph)
		if x.DType() != dtypes.BFloat16 {
			sums := w.convolve(x, weights)
			return graph.Add(sums, channelwise(biases, sums))
		}
		convolve := w.convolveRounded
		if b.root != nil && b.root.IsTraining(b.graph) {
			convolve = w.convolveTrained
		}
		sums := convolve(x, graph.MulScalar(weights, scale))
		return graph.Add(sums, channelwise(graph.MulScalar(biases, scale), sums))
	})
	scaled = y
	if !b.mixed(x) {
		scaled = y.then(y.shape, func(y *graph.Node) *graph.Node { return graph.MulScalar(y, scale) })
	}
	return b.record(name, Layer{Kind: Convolution, MultiplyAdds: multiplyAdds(x, y, w)}, w, parameters, y, x), scaled
}

// kernel is a convolution's weights.
func (b *builder) kernel(x *value, channels int, w window) *model.Variable {
	return b.parameter("weights", b.initializer(), true, w.height, w.width, x.channels(), channels)
}

// convolve slides the window over x.
func (w window) convolve(x, weights *graph.Node) *graph.Node {
	conv := graph.Convolve(x, weights).Strides(w.stride)
	if w.valid {
		return conv.NoPadding().Done()
	}
	return conv.PadSame().Done()
}

// normalized is a convolution and batch norm, which normalises each channel: with the
// statistics of the batch, which also move the stored ones, when the graph trains and the
// layer is not frozen; with the stored ones otherwise.
func (b *builder) normalized(x *value, channels int, w window) *value {
	if b.quantizes() {
		return b.folded(x, channels, w)
	}
	kernel := b.kernel(x, channels, w)
	at := b.in("BatchNorm")
	gamma := at.parameter("gamma", initializer.One, true, channels)
	beta := at.parameter("beta", initializer.Zero, true, channels)
	movingMean := at.parameter("moving_mean", initializer.Zero, false, channels)
	movingVariance := at.parameter("moving_variance", initializer.One, false, channels)
	stored := b.root != nil && (!b.root.IsTraining(b.graph) || at.frozen())
	shape := w.slide(x, channels)
	if !stored {
		sums := x.then(shape, func(x *graph.Node) *graph.Node {
			weights := kernel.NodeValue(b.graph)
			if x.DType() == dtypes.BFloat16 {
				return w.convolveTrained(x, weights)
			}
			return w.convolve(x, weights)
		})
		if b.keeps.convolutions {
			sums = b.keep(sums)
		}
		return sums.then(shape, func(sums *graph.Node) *graph.Node {
			const channelsAxis = 3
			y, mean, variance := graph.InternalBatchNormForTraining(sums, gamma.NodeValue(b.graph), beta.NodeValue(b.graph), batchNormEpsilon, channelsAxis)
			at.move(movingMean, "moving_mean", mean)
			at.move(movingVariance, "moving_variance", variance)
			return y
		})
	}
	// One multiplication and one addition an element: from elementary operations, so that
	// every backend has it and it can be differentiated when frozen.
	affine := func() (scale, offset *graph.Node) {
		deviation := graph.Sqrt(graph.AddScalar(movingVariance.NodeValue(b.graph), batchNormEpsilon))
		scale = graph.Div(gamma.NodeValue(b.graph), deviation)
		return scale, graph.Sub(beta.NodeValue(b.graph), graph.Mul(movingMean.NodeValue(b.graph), scale))
	}
	if b.mixed(x) {
		return x.then(shape, func(x *graph.Node) *graph.Node {
			scale, offset := affine()
			weights := kernel.NodeValue(b.graph)
			sums := w.convolveRounded(x, graph.Mul(weights, channelwise(scale, weights)))
			return graph.Add(sums, channelwise(offset, sums))
		})
	}
	sums := x.then(shape, func(x *graph.Node) *graph.Node { return w.convolve(x, kernel.NodeValue(b.graph)) })
	if b.keeps.convolutions {
		sums = b.keep(sums)
	}
	return sums.then(shape, func(sums *graph.Node) *graph.Node {
		scale, offset := affine()
		return graph.Add(graph.Mul(sums, channelwise(scale, sums)), channelwise(offset, sums))
	})
}

// bias adds one value a channel.
func (b *builder) bias(x *value) *value {
	biases := b.parameter("biases", initializer.Zero, true, x.channels())
	return x.then(x.shape, func(x *graph.Node) *graph.Node {
		return graph.Add(x, channelwise(biases.NodeValue(b.graph), x))
	})
}

// frozen reports whether the scope lies in one of the network's frozen ones.
func (b *builder) frozen() bool {
	full := b.full("")
	return slices.ContainsFunc(b.network.options.Frozen, func(scope string) bool { return strings.HasPrefix(full, scope+"/") })
}

// move updates an exponential moving average, or leaves that to the caller.
func (b *builder) move(average *model.Variable, name string, value *graph.Node) {
	value = graph.StopGradient(value)
	if b.network.options.LeaveStatistics {
		b.statistics[b.full(name)] = value
		return
	}
	average.SetNodeValue(Moved(average.NodeValue(b.graph), value, b.network.options.BatchNormDecay))
}

// Moved is where an exponential moving average goes from its old value.
func Moved(old, value *graph.Node, decay float64) *graph.Node {
	return graph.Add(graph.MulScalar(old, decay), graph.MulScalar(value, 1-decay))
}

// maxPool is the 3x3 max pooling with stride 2 and VALID padding, the only one
// that the networks use.
func (b *builder) maxPool(x *value, name string) *value {
	w := valid(3, 2)
	y := b.narrowLike(x, x.unscaled().then(w.slide(x, x.channels()), func(x *graph.Node) *graph.Node {
		return graph.MaxPool(x).Window(w.height).Strides(w.stride).NoPadding().Done()
	}))
	return b.record(name, Layer{Kind: MaxPool}, w, b.parameterCount(), y, x)
}

// maxPoolSame is the 3x3 max pooling with stride 1 and SAME padding.
func (b *builder) maxPoolSame(x *value, name string) *value {
	w := same(3, 3)
	y := b.narrowLike(x, x.unscaled().then(w.slide(x, x.channels()), func(x *graph.Node) *graph.Node {
		return graph.MaxPool(x).Window(3).Strides(1).PadSame().Done()
	}))
	return b.record(name, Layer{Kind: MaxPool}, w, b.parameterCount(), y, x)
}

// averagePool is the 3x3 average pooling with stride 1 and SAME padding.
func (b *builder) averagePool(x *value, name string) *value {
	w := same(3, 3)
	y := x.wide().then(w.slide(x, x.channels()), func(x *graph.Node) *graph.Node {
		if b.network.options.AveragePoolCountsPadding {
			return graph.DivScalar(graph.SumPool(x).Window(3).Strides(1).PadSame().Done(), 9.0)
		}
		return graph.MeanPool(x).Window(3).Strides(1).PadSame().Done()
	})
	y = b.narrow(y)
	return b.record(name, Layer{Kind: AveragePool}, w, b.parameterCount(), y, x)
}

// concat joins branches along the channels ("Filter concat" in the figures).
func (b *builder) concat(branches ...*value) *value {
	shape := slices.Clone(branches[0].shape)
	nodes := make([]*graph.Node, len(branches))
	for i, branch := range branches {
		nodes[i] = branch.node
		if i > 0 {
			shape[3] += branch.channels()
		}
	}
	y := branches[0].then(shape, func(*graph.Node) *graph.Node { return graph.Concatenate(nodes, 3) })
	y.scale = branches[0].scale // which all of them share
	return b.record("concat", Layer{Kind: Concat}, window{}, b.parameterCount(), y, branches...)
}

// residual adds to x the joined branches, expanded to the channels of x and
// scaled (section 3.3, figure 20). There is no batch norm on the sum (section 3.2).
func (b *builder) residual(x *value, scale float64, activate bool, branches ...*value) *value {
	summand := b.summand(x)
	up, scaled := b.linear(b.concat(branches...), "Conv2d_1x1", x.channels(), scale)
	y := summand.then(x.shape, func(x *graph.Node) *graph.Node { return graph.Add(x, scaled.node) })
	if b.keeps.sums {
		y = b.keep(y)
	}
	layer := Layer{Kind: Sum, Scale: scale}
	if activate {
		y = relu(y)
		layer.Activation = "relu"
	}
	y = b.narrowSum(y)
	return b.record("sum", layer, window{}, b.parameterCount(), y, x, up)
}

// dense maps features, [batch, n], to logits, [batch, classes].
func (b *builder) dense(x *value, name string) (y *value, weights *model.Variable) {
	at := b.in(name)
	parameters := b.parameterCount()
	inputs, classes := x.channels(), b.network.options.Classes
	weights = at.parameter("weights", b.initializer(), true, inputs, classes)
	y = at.bias(x.then([]int{x.shape[0], classes}, func(x *graph.Node) *graph.Node {
		return graph.MatMul(x, weights.NodeValue(b.graph))
	}))
	return b.record(name, Layer{Kind: Dense, MultiplyAdds: int64(inputs) * int64(classes)}, window{}, parameters, y, x), weights
}

// channelwise reshapes one value a channel so that it broadcasts to like.
func channelwise(values, like *graph.Node) *graph.Node {
	return graph.ExpandLeftToRank(values, like.Rank())
}

// initializer is the scope's, for weights.
func (b *builder) initializer() model.VariableInitializer {
	if b.root == nil {
		return nil
	}
	return b.root.Initializer()
}

// parameter lists a parameter of the layer, and returns its variable; nil where the
// network is only described.
func (b *builder) parameter(name string, initial model.VariableInitializer, trainable bool, shape ...int) *model.Variable {
	b.parameters = append(b.parameters, Parameter{Name: b.full(name), Shape: shape, DType: dtypes.Float32, Trainable: trainable})
	return b.variable(name, b.dtype, initial, trainable, shape...)
}

// full is a name with all scopes.
func (b *builder) full(name string) string { return b.network.definition.scope + "/" + b.scope + name }

// variable returns a parameter's variable; nil where the network is only described.
func (b *builder) variable(name string, dtype dtypes.DType, initial model.VariableInitializer, trainable bool, shape ...int) *model.Variable {
	if b.root == nil {
		return nil
	}
	path := model.JoinPath(b.root.Scope(), b.full(name))
	return b.root.Store().VariableWithShape(path, shapes.Make(dtype, shape...), initial).SetTrainable(trainable)
}

func relu(x *value) *value {
	return x.then(x.shape, func(x *graph.Node) *graph.Node { return graph.Max(x, graph.ScalarZero(x.Graph(), x.DType())) })
}
