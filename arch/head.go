package arch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Kinds of global pooling.
const (
	// PoolAverage takes the mean of each channel over the grid, as all published networks.
	PoolAverage = "average"
	// PoolMax takes the largest value of each channel.
	PoolMax = "max"
)

// What a network's outputs are.
const (
	// OutputSoftmax is logits of which softmax makes probabilities: one class is right.
	OutputSoftmax = "softmax"
	// OutputSigmoid is logits of which each is a class's own, by the logistic function: any
	// number of classes are right.
	OutputSigmoid = "sigmoid"
	// OutputFeatures is what goes into logits, without these.
	OutputFeatures = "features"
	// OutputEmbedding is features of length 1 (Euclidean), as facenet's.
	OutputEmbedding = "embedding"
)

// A Head is what follows a network's last block, where that is not the published one: what
// transfer learning puts in its place.
type Head struct {
	// Pooling is PoolAverage (when empty) or PoolMax.
	Pooling string `json:"pooling,omitempty"`
	// Hidden are the layers between the pooled features and the output.
	Hidden []HeadLayer `json:"hidden,omitempty"`
	// Output is one of the constants above; OutputSoftmax when empty. Without logits,
	// Options.Classes is the number of features.
	Output string `json:"output,omitempty"`
}

// A HeadLayer does what its fields say, in their order.
type HeadLayer struct {
	// Name is the scope of its parameters below "Logits"; Hidden_1, Hidden_2, ... by its
	// place when empty. A name with a leading slash is one below the network's scope.
	Name string `json:"name,omitempty"`
	// DropoutKeep is the share of its inputs that dropout keeps while training, in (0,1);
	// all when zero.
	DropoutKeep float64 `json:"dropout_keep,omitempty"`
	// Units is how many outputs each input is connected to; none where it is zero, and the
	// inputs go on.
	Units int `json:"units,omitempty"`
	// Unbiased leaves out the biases of the units.
	Unbiased bool `json:"unbiased,omitempty"`
	// BatchNorm normalises.
	BatchNorm bool `json:"batch_norm,omitempty"`
	// Activation is applied last: one of HeadActivations, none when empty.
	Activation string `json:"activation,omitempty"`
}

// HeadActivations returns those that the layers of a head may have.
func HeadActivations() []string { return []string{"relu", "sigmoid", "swish", "tanh"} }

// headLimit bounds the layers of a head.
const headLimit = 64

// HasClasses reports whether the network's outputs are logits of classes.
func (o Options) HasClasses() bool {
	return o.Head == nil || o.Head.Output != OutputFeatures && o.Head.Output != OutputEmbedding
}

// Multilabel reports whether any number of classes may be right at once.
func (o Options) Multilabel() bool { return o.Head != nil && o.Head.Output == OutputSigmoid }

func (h *Head) check() error {
	if h.Pooling != "" && h.Pooling != PoolAverage && h.Pooling != PoolMax {
		return fmt.Errorf("Head.Pooling must be %q or %q, found %q", PoolAverage, PoolMax, h.Pooling)
	}
	if outputs := []string{"", OutputSoftmax, OutputSigmoid, OutputFeatures, OutputEmbedding}; !slices.Contains(outputs, h.Output) {
		return fmt.Errorf("Head.Output must be one of %s, found %q", strings.Join(outputs[1:], ", "), h.Output)
	}
	if len(h.Hidden) > headLimit {
		return fmt.Errorf("Head.Hidden must have at most %d layers, found %d", headLimit, len(h.Hidden))
	}
	seen := map[string]bool{}
	for i, l := range h.Hidden {
		name := l.name(i)
		switch {
		case l.DropoutKeep < 0 || l.DropoutKeep >= 1:
			return fmt.Errorf("%s: DropoutKeep must be in (0,1), or 0 for all, found %g", name, l.DropoutKeep)
		case l.Units < 0 || l.Units > 1<<20:
			return fmt.Errorf("%s: Units must be between 0 and %d, found %d", name, 1<<20, l.Units)
		case l.Activation != "" && !slices.Contains(HeadActivations(), l.Activation):
			return fmt.Errorf("%s: Activation must be one of %s, found %q", name, strings.Join(HeadActivations(), ", "), l.Activation)
		case seen[name] || strings.HasSuffix(name, "/"):
			return fmt.Errorf("%s: each layer of a head needs a name of its own", name)
		}
		seen[name] = true
	}
	return nil
}

// name is the layer's scope below the network's.
func (l HeadLayer) name(at int) string {
	switch {
	case l.Name == "":
		return fmt.Sprintf("Logits/Hidden_%d", at+1)
	case l.Name[0] == '/':
		return l.Name[1:]
	}
	return "Logits/" + l.Name
}

// head is what all networks end in (figures 9 and 15): average pooling over the whole
// grid, dropout, and the logits; or what Options.Head says.
func (b *builder) head(x *value) *value {
	h := b.network.options.Head
	if h == nil {
		h = &Head{}
	}
	x = b.globalPool(x, h.Pooling)
	b.endPoints["global_pool"], b.endPoints["PreLogits"] = x, x
	for i, l := range h.Hidden {
		x = b.headLayer(x, l, l.name(i))
		b.endPoints["PreLogits"] = x
	}
	if b.network.options.HasClasses() {
		if b.network.options.Head == nil || len(h.Hidden) == 0 {
			x = b.in("Logits").dropout(x, "Dropout_1b", b.network.options.DropoutKeep)
		}
		x, b.classWeights = b.dense(x, b.network.definition.logits)
	} else if h.Output == OutputEmbedding {
		x = b.embedding(x)
	}
	b.endPoints["Logits"] = x
	return x
}

// globalPool pools over the whole grid, [batch, channels].
func (b *builder) globalPool(x *value, kind string) *value {
	at, shape := b.in("Logits"), []int{x.shape[0], x.channels()}
	if kind == PoolMax {
		pooled := x.wide().then(shape, func(x *graph.Node) *graph.Node { return graph.ReduceMax(x, 1, 2) })
		return at.record("MaxPool_1a", Layer{Kind: GlobalMaxPool}, window{}, b.parameterCount(), pooled, x)
	}
	pooled := x.wide().then(shape, func(x *graph.Node) *graph.Node { return graph.ReduceMean(x, 1, 2) })
	return at.record("AvgPool_1a", Layer{Kind: GlobalAveragePool}, window{}, b.parameterCount(), pooled, x)
}

// dropout keeps a share of the features while training.
func (b *builder) dropout(x *value, name string, keep float64) *value {
	kept := x.then(x.shape, func(x *graph.Node) *graph.Node { return layers.DropoutStatic(b.root, x, 1-keep) })
	if kept.node == x.node {
		return x
	}
	return b.record(name, Layer{Kind: Dropout}, window{}, b.parameterCount(), kept, x)
}

// headLayer adds a layer under a scope.
func (b *builder) headLayer(x *value, l HeadLayer, name string) *value {
	at := b.in(name)
	if l.DropoutKeep > 0 {
		x = at.dropout(x, "Dropout", l.DropoutKeep)
	}
	in, y, parameters := x, x, b.parameterCount()
	layer := Layer{Kind: BatchNorm, Activation: l.Activation}
	if l.Units > 0 {
		layer.Kind, layer.MultiplyAdds = Dense, int64(x.channels())*int64(l.Units)
		weights := at.parameter("weights", b.initializer(), true, x.channels(), l.Units)
		y = x.then([]int{x.shape[0], l.Units}, func(x *graph.Node) *graph.Node { return graph.MatMul(x, weights.NodeValue(b.graph)) })
		if !l.Unbiased {
			y = at.bias(y)
		}
	}
	if l.BatchNorm {
		y = at.normalizedFeatures(y)
	} else if l.Units == 0 {
		layer.Kind = Elementwise
	}
	y = activated(y, l.Activation)
	if l.Units == 0 && !l.BatchNorm && l.Activation == "" {
		return x
	}
	return b.record(name, layer, window{}, parameters, y, in)
}

// normalizedFeatures is batch norm of features, [batch, n].
func (b *builder) normalizedFeatures(x *value) *value {
	at, n := b.in("BatchNorm"), x.channels()
	gamma := at.parameter("gamma", initializer.One, true, n)
	beta := at.parameter("beta", initializer.Zero, true, n)
	movingMean := at.parameter("moving_mean", initializer.Zero, false, n)
	movingVariance := at.parameter("moving_variance", initializer.One, false, n)
	return x.then(x.shape, func(x *graph.Node) *graph.Node {
		if b.root.IsTraining(b.graph) && !at.frozen() {
			const channelsAxis = 3 // of images of one pixel, which backends know
			images := graph.Reshape(x, x.Shape().Dim(0), 1, 1, n)
			y, mean, variance := graph.InternalBatchNormForTraining(images, gamma.NodeValue(b.graph), beta.NodeValue(b.graph), batchNormEpsilon, channelsAxis)
			at.move(movingMean, "moving_mean", mean)
			at.move(movingVariance, "moving_variance", variance)
			return graph.Reshape(y, x.Shape().Dimensions...)
		}
		scale := graph.Div(gamma.NodeValue(b.graph), graph.Sqrt(graph.AddScalar(movingVariance.NodeValue(b.graph), batchNormEpsilon)))
		offset := graph.Sub(beta.NodeValue(b.graph), graph.Mul(movingMean.NodeValue(b.graph), scale))
		return graph.Add(graph.Mul(x, channelwise(scale, x)), channelwise(offset, x))
	})
}

// activated applies a named activation.
func activated(x *value, name string) *value {
	switch name {
	case "relu":
		return relu(x)
	case "sigmoid":
		return x.then(x.shape, graph.Sigmoid)
	case "tanh":
		return x.then(x.shape, graph.Tanh)
	case "swish":
		return x.then(x.shape, func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Sigmoid(x)) })
	}
	return x
}

// embedding divides features by their Euclidean length.
func (b *builder) embedding(x *value) *value {
	const smallest = 1e-10 // of the squares' sum, as facenet has it
	y := x.then(x.shape, func(x *graph.Node) *graph.Node {
		sum := graph.ReduceAndKeep(graph.Square(x), graph.ReduceSum, 1)
		return graph.Div(x, graph.Sqrt(graph.MaxScalar(sum, smallest)))
	})
	return b.in("Logits").record("Normalize", Layer{Kind: Normalize}, window{}, b.parameterCount(), y, x)
}
