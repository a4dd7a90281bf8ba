package arch

import (
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/support/exceptions"
)

// batchNormEpsilon is TF-slim's, and that of all public weights.
const batchNormEpsilon = 1e-3

// A builder adds one network to a graph, and keeps what it added as data.
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
	network *Network
	root    *model.Scope
	graph   *graph.Graph
	paper   bool // the images have the size and the layers the width that the figures' shapes are for
	outputs *Outputs

	layers     []Layer
	producer   map[*graph.Node]int // index in layers of the layer that a node is the output of
	parameters []Parameter
}

func newBuilder(n *Network, scope *model.Scope, images *graph.Node) *builder {
	dims := images.Shape().Dimensions
	return &builder{keeps: keeping{convolutions: true, sums: true}, construction: &construction{
		network:  n,
		root:     scope,
		graph:    images.Graph(),
		paper:    dims[1] == 299 && dims[2] == 299 && n.options.Width == 1,
		outputs:  &Outputs{EndPoints: map[string]*graph.Node{}},
		producer: map[*graph.Node]int{images: imageInput},
	}}
}

// in returns a builder for the layers below the given scope.
func (b *builder) in(scope string) *builder {
	return &builder{b.construction, b.scope + scope + "/", b.keeps}
}

// stage adds a figure under a scope of its own and makes its output an end
// point. The output of a figure is side x side x channels when the network is the
// paper's in size and width; that is asserted.
func (b *builder) stage(name string, x *graph.Node, side, channels int, figure func(b *builder, x *graph.Node) *graph.Node) *graph.Node {
	return b.endPoint(name, figure(b.in(name), x), side, channels)
}

// layer is a convolution that stands between the figures, and an end point.
func (b *builder) layer(x *graph.Node, name string, channels int, w window, side int) *graph.Node {
	return b.endPoint(name, b.conv(x, name, channels, w), side, channels)
}

// recomputes reports whether activations are computed again for the gradients.
func (b *builder) recomputes() bool {
	return b.network.options.Recompute && b.root.IsTraining(b.graph)
}

// keep keeps a value for the gradients where activations are computed again. What
// follows is computed from it.
func (b *builder) keep(x *graph.Node) *graph.Node {
	if !b.recomputes() {
		return x
	}
	return b.same(x.Checkpoint(), x)
}

// keepLast is keep where nothing of what follows is to be computed again.
func (b *builder) keepLast(x *graph.Node) *graph.Node {
	if !b.recomputes() {
		return x
	}
	return b.same(x.StopCheckpoint(), x)
}

// forget applies figures of which nothing but the end is kept: stems, whose activations
// are the largest and whose convolutions are the cheapest for their size.
func (b *builder) forget(x *graph.Node, figures func(b *builder, x *graph.Node) *graph.Node) *graph.Node {
	return b.keep(figures(&builder{b.construction, b.scope, keeping{}}, x))
}

// same notes that a node has the value of another.
func (b *builder) same(x, as *graph.Node) *graph.Node {
	if layer, ok := b.producer[as]; ok {
		b.producer[x] = layer
	}
	return x
}

func (b *builder) endPoint(name string, x *graph.Node, side, channels int) *graph.Node {
	if dims := x.Shape().Dimensions; b.paper && (dims[1] != side || dims[2] != side || dims[3] != channels) {
		exceptions.Panicf("%s: %s should be %d x %d x %d for this input, found %s", b.network.Name(), b.scope+name, side, side, channels, x.Shape())
	}
	b.outputs.EndPoints[b.scope+name] = x
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

// conv is a convolution followed by batch norm and ReLU, as every convolution in
// the paper is that is not marked "Linear".
func (b *builder) conv(x *graph.Node, name string, channels int, w window) *graph.Node {
	at := b.in(name)
	parameters := b.parameterCount()
	sums := at.convolve(x, b.width(channels), w)
	if b.keeps.convolutions {
		sums = b.keep(sums)
	}
	y := relu(at.batchNorm(sums))
	b.record(name, Layer{Kind: Convolution, Activation: "relu", MultiplyAdds: multiplyAdds(x, y, w)}, w, parameters, y, x)
	return y
}

// linear is a 1x1 convolution with a bias, without batch norm or activation: the
// "Linear" expansions of the residual blocks. The channels are not subject to the
// width multiplier.
func (b *builder) linear(x *graph.Node, name string, channels int) *graph.Node {
	at, w := b.in(name), same(1, 1)
	parameters := b.parameterCount()
	y := at.convolve(x, channels, w)
	y = graph.Add(y, at.channelwise(at.parameter("biases", initializer.Zero, true, y.DType(), channels), y))
	b.record(name, Layer{Kind: Convolution, MultiplyAdds: multiplyAdds(x, y, w)}, w, parameters, y, x)
	return y
}

func (b *builder) convolve(x *graph.Node, channels int, w window) *graph.Node {
	inputs := x.Shape().Dimensions[3]
	kernel := b.parameter("weights", b.root.Initializer(), true, x.DType(), w.height, w.width, inputs, channels)
	conv := graph.Convolve(x, kernel).Strides(w.stride)
	if w.valid {
		return conv.NoPadding().Done()
	}
	return conv.PadSame().Done()
}

// batchNorm normalises each channel: with the statistics of the batch, which also
// move the stored ones, when the graph trains and the layer is not frozen; with the
// stored ones otherwise.
func (b *builder) batchNorm(x *graph.Node) *graph.Node {
	const channelsAxis = 3
	channels, dtype := x.Shape().Dimensions[channelsAxis], x.DType()
	at := b.in("BatchNorm")
	gamma := at.parameter("gamma", initializer.One, true, dtype, channels)
	beta := at.parameter("beta", initializer.Zero, true, dtype, channels)
	movingMean := at.variable("moving_mean", initializer.Zero, false, dtype, channels)
	movingVariance := at.variable("moving_variance", initializer.One, false, dtype, channels)
	if !b.root.IsTraining(b.graph) || b.frozen() {
		// One multiplication and one addition an element: from elementary operations,
		// so that every backend has it and it can be differentiated when frozen.
		deviation := graph.Sqrt(graph.AddScalar(movingVariance.NodeValue(b.graph), batchNormEpsilon))
		scale := graph.Div(gamma, deviation)
		offset := graph.Sub(beta, graph.Mul(movingMean.NodeValue(b.graph), scale))
		return graph.Add(graph.Mul(x, b.channelwise(scale, x)), b.channelwise(offset, x))
	}
	y, mean, variance := graph.InternalBatchNormForTraining(x, gamma, beta, batchNormEpsilon, channelsAxis)
	b.move(movingMean, mean)
	b.move(movingVariance, variance)
	return y
}

// frozen reports whether the scope lies in one of the network's frozen ones.
func (b *builder) frozen() bool {
	full := b.network.definition.scope + "/" + b.scope
	return slices.ContainsFunc(b.network.options.Frozen, func(scope string) bool { return strings.HasPrefix(full, scope+"/") })
}

// move updates an exponential moving average.
func (b *builder) move(average *model.Variable, value *graph.Node) {
	decay := b.network.options.BatchNormDecay
	old := average.NodeValue(b.graph)
	average.SetNodeValue(graph.Add(graph.MulScalar(old, decay), graph.MulScalar(graph.StopGradient(value), 1-decay)))
}

// maxPool is the 3x3 max pooling with stride 2 and VALID padding, the only one
// that the networks use.
func (b *builder) maxPool(x *graph.Node, name string) *graph.Node {
	w := valid(3, 2)
	y := graph.MaxPool(x).Window(w.height).Strides(w.stride).NoPadding().Done()
	b.record(name, Layer{Kind: MaxPool}, w, b.parameterCount(), y, x)
	return y
}

// averagePool is the 3x3 average pooling with stride 1 and SAME padding.
func (b *builder) averagePool(x *graph.Node, name string) *graph.Node {
	w := same(3, 3)
	var y *graph.Node
	if b.network.options.AveragePoolCountsPadding {
		y = graph.DivScalar(graph.SumPool(x).Window(3).Strides(1).PadSame().Done(), 9.0)
	} else {
		y = graph.MeanPool(x).Window(3).Strides(1).PadSame().Done()
	}
	b.record(name, Layer{Kind: AveragePool}, w, b.parameterCount(), y, x)
	return y
}

// concat joins branches along the channels ("Filter concat" in the figures).
func (b *builder) concat(branches ...*graph.Node) *graph.Node {
	y := graph.Concatenate(branches, 3)
	b.record("concat", Layer{Kind: Concat}, window{}, b.parameterCount(), y, branches...)
	return y
}

// residual adds to x the joined branches, expanded to the channels of x and
// scaled (section 3.3, figure 20). There is no batch norm on the sum (section 3.2).
func (b *builder) residual(x *graph.Node, scale float64, activate bool, branches ...*graph.Node) *graph.Node {
	up := b.linear(b.concat(branches...), "Conv2d_1x1", x.Shape().Dimensions[3])
	y := graph.Add(x, graph.MulScalar(up, scale))
	if b.keeps.sums {
		y = b.keep(y)
	}
	layer := Layer{Kind: Sum, Scale: scale}
	if activate {
		y = relu(y)
		layer.Activation = "relu"
	}
	b.record("sum", layer, window{}, b.parameterCount(), y, x, up)
	return y
}

// head is what all networks end in (figures 9 and 15): average pooling over the
// whole grid, dropout, and the logits.
func (b *builder) head(x *graph.Node) *graph.Node {
	at := b.in("Logits")
	pooled := graph.ReduceMean(x, 1, 2)
	at.record("AvgPool_1a", Layer{Kind: GlobalAveragePool}, window{}, b.parameterCount(), pooled, x)
	b.outputs.EndPoints["PreLogits"] = pooled
	keep := b.network.options.DropoutKeep
	kept := layers.DropoutStatic(b.root, pooled, 1-keep)
	if kept != pooled {
		at.record("Dropout_1b", Layer{Kind: Dropout}, window{}, b.parameterCount(), kept, pooled)
	}
	logits := b.dense(kept, b.network.definition.logits)
	b.outputs.EndPoints["Logits"] = logits
	return logits
}

// dense maps features, [batch, n], to logits, [batch, classes].
func (b *builder) dense(x *graph.Node, name string) *graph.Node {
	at := b.in(name)
	parameters := b.parameterCount()
	inputs, classes := x.Shape().Dimensions[1], b.network.options.Classes
	weights := at.parameter("weights", b.root.Initializer(), true, x.DType(), inputs, classes)
	biases := at.parameter("biases", initializer.Zero, true, x.DType(), classes)
	y := graph.MatMul(x, weights)
	y = graph.Add(y, at.channelwise(biases, y))
	b.record(name, Layer{Kind: Dense, MultiplyAdds: int64(inputs) * int64(classes)}, window{}, parameters, y, x)
	return y
}

// channelwise reshapes one value a channel so that it broadcasts to like.
func (b *builder) channelwise(values, like *graph.Node) *graph.Node {
	return graph.ExpandLeftToRank(values, like.Rank())
}

func (b *builder) parameter(name string, initial model.VariableInitializer, trainable bool, dtype dtypes.DType, dims ...int) *graph.Node {
	return b.variable(name, initial, trainable, dtype, dims...).NodeValue(b.graph)
}

func (b *builder) variable(name string, initial model.VariableInitializer, trainable bool, dtype dtypes.DType, dims ...int) *model.Variable {
	full := b.network.definition.scope + "/" + b.scope + name
	b.parameters = append(b.parameters, Parameter{Name: full, Shape: dims, Trainable: trainable})
	path := model.JoinPath(b.root.Scope(), full)
	return b.root.Store().VariableWithShape(path, shapes.Make(dtype, dims...), initial).SetTrainable(trainable)
}

func relu(x *graph.Node) *graph.Node {
	return graph.Max(x, graph.ScalarZero(x.Graph(), x.DType()))
}
