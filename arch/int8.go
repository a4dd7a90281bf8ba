package arch

import (
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// The parameters that an int8 network has besides weights and biases.
const (
	// WeightScale is the float32 factor of each output channel of a convolution: a weight
	// is its integer, in [-127,127], times that.
	WeightScale = "weight_scale"
	// ActivationScale is the float32 factor of an activation: a value is its integer, in
	// [0,255], times that. Where values can be negative, 128 is taken from the integer
	// first.
	ActivationScale = "activation_scale"
)

// signedZero is the integer that stands for 0 among activations that can be negative.
const signedZero = 128

// The greatest integers of activations and of weights.
const (
	MaxActivation = 255
	MaxWeight     = 127
)

// An Activation is a set of layers whose outputs an int8 network keeps as integers of one
// scale: those that a concatenation joins are one with it, and so are the input and the
// output of a maximum pooling.
type Activation struct {
	// Name is that of the parameter that holds the scale.
	Name string
	// Layers are the indices in Description.Layers, in ascending order.
	Layers []int
	// Signed is set where values can be negative.
	Signed bool
}

// Activations returns those of the network in int8, whatever its own precision is, in the
// order of their last layers.
func (n *Network) Activations() ([]Activation, error) {
	plain := *n
	plain.options.Precision = Float32
	d, err := plain.Describe(299, 299) // the size does not matter
	if err != nil {
		return nil, err
	}
	users := make([][]Layer, len(d.Layers))
	for _, layer := range d.Layers {
		for _, in := range layer.Inputs {
			if in != imageInput {
				users[in] = append(users[in], layer)
			}
		}
	}
	// last is a later layer of the same activation, or the layer itself, the last.
	last := make([]int, len(d.Layers))
	find := func(i int) int {
		for last[i] != i {
			i = last[i]
		}
		return i
	}
	kept := make([]bool, len(d.Layers))
	for i, layer := range d.Layers {
		last[i], kept[i] = i, d.keepsIntegers(i, users[i])
		if layer.Kind == MaxPool || layer.Kind == Concat {
			for _, in := range layer.Inputs {
				last[find(in)] = i
			}
		}
	}
	members := map[int][]int{}
	for i := range d.Layers {
		if kept[i] {
			members[find(i)] = append(members[find(i)], i)
		}
	}
	var all []Activation
	for _, end := range slices.Sorted(maps.Keys(members)) {
		a := Activation{Name: d.Layers[end].Name + "/" + ActivationScale, Layers: members[end]}
		for _, i := range a.Layers {
			a.Signed = a.Signed || d.Layers[i].Kind == Sum && d.Layers[i].Activation == ""
		}
		all = append(all, a)
	}
	return all, nil
}

// keepsIntegers reports whether the output of a layer is kept as integers: not that of a
// convolution that is only added to a sum, nor a sum of which only the next sum or the
// average over the grid is computed.
func (d *Description) keepsIntegers(i int, users []Layer) bool {
	switch layer := d.Layers[i]; layer.Kind {
	case MaxPool, AveragePool, Concat:
		return true
	case Convolution:
		return !slices.ContainsFunc(users, func(user Layer) bool { return user.Kind == Sum && user.Inputs[1] == i })
	case Sum:
		return slices.ContainsFunc(users, func(user Layer) bool { return user.Kind != Sum && user.Kind != GlobalAveragePool })
	}
	return false
}

// activationsByLayer returns those of an int8 network.
func (n *Network) activationsByLayer() map[int]*Activation {
	all, err := n.Activations()
	if err != nil {
		panic(err) // as graph functions do
	}
	byLayer := map[int]*Activation{}
	for i := range all {
		for _, layer := range all[i].Layers {
			byLayer[layer] = &all[i]
		}
	}
	return byLayer
}

// quantizes reports whether the network computes in 8-bit integers.
func (b *builder) quantizes() bool { return b.network.options.Precision == Int8 }

// quantize rounds the output of the layer that is about to be recorded to integers, if it
// is kept so.
func (b *builder) quantize(x *value) *value {
	a := b.activations[len(b.layers)]
	if a == nil {
		return x
	}
	scale := b.scaleOf(a)
	if scale == nil {
		return x
	}
	y := x.then(x.shape, func(x *graph.Node) *graph.Node {
		steps := graph.Round(graph.Mul(x, graph.Reciprocal(scale)))
		if a.Signed {
			steps = graph.AddScalar(steps, signedZero)
		}
		return graph.ConvertDType(graph.ClipScalar(steps, 0, MaxActivation), dtypes.Uint8)
	})
	y.scale, y.signed = scale, a.Signed
	return y
}

// scaleOf returns the scale of an activation, and lists its parameter when it is first
// needed; nil where the network is only described.
func (b *builder) scaleOf(a *Activation) *graph.Node {
	scale, listed := b.scales[a]
	if !listed {
		at := &builder{b.construction, strings.TrimPrefix(strings.TrimSuffix(a.Name, ActivationScale), b.network.definition.scope+"/"), b.keeps}
		if v := at.parameter(ActivationScale, initializer.One, false); v != nil {
			scale = v.NodeValue(b.graph)
		}
		b.scales[a] = scale
	}
	return scale
}

// folded is a convolution whose weights have batch norm, and the scale of a residual
// branch, multiplied into them. That of the images is float32.
func (b *builder) folded(x *value, channels int, w window) *value {
	if x.layer == imageInput {
		kernel, biases := b.kernel(x, channels, w), b.parameter("biases", initializer.Zero, true, channels)
		return x.then(w.slide(x, channels), func(x *graph.Node) *graph.Node {
			sums := w.convolve(x, kernel.NodeValue(b.graph))
			return graph.Add(sums, channelwise(biases.NodeValue(b.graph), sums))
		})
	}
	kernel := b.integerParameter("weights", w.height, w.width, x.channels(), channels)
	weightScale := b.parameter(WeightScale, initializer.One, false, channels)
	biases := b.parameter("biases", initializer.Zero, true, channels)
	return x.unscaled().then(w.slide(x, channels), func(integers *graph.Node) *graph.Node {
		sums := w.convolve(integers, graph.ConvertDType(kernel.NodeValue(b.graph), dtypes.Float32))
		scale := graph.Mul(weightScale.NodeValue(b.graph), x.scale)
		return graph.Add(graph.Mul(sums, channelwise(scale, sums)), channelwise(biases.NodeValue(b.graph), sums))
	})
}

// integerParameter is parameter for trainable 8-bit integers.
func (b *builder) integerParameter(name string, shape ...int) *model.Variable {
	b.parameters = append(b.parameters, Parameter{Name: b.full(name), Shape: shape, DType: dtypes.Int8, Trainable: true})
	return b.variable(name, dtypes.Int8, initializer.Zero, true, shape...)
}
