package arch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// MinSize is the smallest height and width of the images that the networks take:
// below it the last reduction has nothing left to reduce.
const MinSize = 75

// minAuxiliarySize is the smallest height and width at which the grid that the
// auxiliary heads start from has the 5 x 5 cells of their pooling.
const minAuxiliarySize = 107

// nearDistance is how many letters of a network's name may be wrong for it to be suggested.
const nearDistance = 3

// A definition is what tells one network from another.
type definition struct {
	name      string
	scope     string    // of all its parameters
	blocks    []int     // of A, B and C (figures 9 and 15)
	scales    []float64 // of the residual blocks A, B and C; nil without residuals
	logits    string    // name of the last layer
	body      func(b *builder, images *value) *value
	auxiliary func(b *builder) *value // nil without an auxiliary head
}

func definitions() []*definition {
	return []*definition{
		&inceptionV3, &inceptionV4, &inceptionResnetV1, &inceptionResnetV2, &inceptionResnetV2Paper,
	}
}

// Names returns the names of the networks: "inception_v3", "inception_v4",
// "inception_resnet_v1", "inception_resnet_v2" (the released network, whose
// layout the public weights have) and "inception_resnet_v2_paper" (figures 15-19).
func Names() []string {
	var names []string
	for _, d := range definitions() {
		names = append(names, d.name)
	}
	return names
}

// A Network is one of the five networks with its options. It has no parameters
// of its own: they live in the model.Store that Graph is given.
type Network struct {
	definition *definition
	options    Options
}

// New returns the network with the given name. An unknown name or an option out
// of range is an error that says what was expected.
func New(name string, options Options) (*Network, error) {
	all := definitions()
	i := slices.IndexFunc(all, func(d *definition) bool { return d.name == name })
	if i < 0 {
		distance := func(known string) int { return editDistance(known, strings.ToLower(name)) }
		nearest := slices.MinFunc(Names(), func(a, b string) int { return distance(a) - distance(b) })
		if distance(nearest) > nearDistance {
			return nil, fmt.Errorf("unknown network %q; networks are %s", name, strings.Join(Names(), ", "))
		}
		return nil, fmt.Errorf("unknown network %q, did you mean %q? Networks are %s", name, nearest, strings.Join(Names(), ", "))
	}
	options, err := options.withDefaults(all[i])
	if err != nil {
		return nil, err
	}
	n := &Network{definition: all[i], options: options}
	if !options.HasClasses() {
		d, err := n.Describe(299, 299)
		if err != nil {
			return nil, err
		}
		n.options.Classes = d.Layers[len(d.Layers)-1].Output[0]
	}
	return n, nil
}

// Name returns the network's name.
func (n *Network) Name() string { return n.definition.name }

// Options returns the network's options with every default filled in.
func (n *Network) Options() Options { return n.options }

// CheckSize returns an error when the network cannot take images of the given
// height and width in pixels.
func (n *Network) CheckSize(height, width int) error {
	smallest, part := MinSize, ""
	if n.options.AuxiliaryHead {
		smallest, part = minAuxiliarySize, " with its auxiliary head"
	}
	if min(height, width) < smallest {
		return fmt.Errorf("%s%s takes images of at least %dx%d, found %dx%d", n.Name(), part, smallest, smallest, height, width)
	}
	return nil
}

// Outputs are the nodes of a network in a graph.
type Outputs struct {
	// Logits is shaped [batch, classes]; softmax, or the logistic function, has not been
	// applied. Of a head without logits it is the features, or the embedding.
	Logits *graph.Node
	// AuxiliaryLogits is shaped [batch, classes]; nil without an auxiliary head.
	AuxiliaryLogits *graph.Node
	// EndPoints holds the output of every stage by the TF-slim name without the
	// network's scope: "Conv2d_1a_3x3", "Mixed_6a", "Repeat/block35_1", ..., shaped
	// [batch, height, width, channels], "global_pool", the channels pooled over the
	// grid, and "PreLogits", the features before dropout and logits, which are the same
	// unless Options.Head has hidden layers, both shaped [batch, channels].
	EndPoints map[string]*graph.Node
	// Statistics holds the batch's mean or variance, shaped [channels], by the name of the
	// parameter that it should move; with Options.LeaveStatistics alone.
	Statistics map[string]*graph.Node

	layers []*value

	network      *Network
	images       *graph.Node
	grid         *graph.Node // the last block's, that the head pools
	classWeights *graph.Node // [channels, classes], of the logits; nil where there are none
}

// Layer returns the output of a layer, by its index in Description.Layers.
func (o *Outputs) Layer(i int) *graph.Node { return o.layers[i].wide().node }

// EndPoint returns the output of the named stage; an unknown name is an error
// that lists the known ones, the nearest first.
func (o *Outputs) EndPoint(name string) (*graph.Node, error) {
	if node, ok := o.EndPoints[name]; ok {
		return node, nil
	}
	return nil, unknownEndPoint(name, o.EndPoints)
}

func unknownEndPoint[Value any](name string, known map[string]Value) error {
	return fmt.Errorf("the network has no end point %q; it has, the nearest first, %s", name, strings.Join(nearest(name, slices.Sorted(maps.Keys(known))), ", "))
}

// EndPointShape returns the shape of the named stage (Outputs.EndPoints) for one image of the
// given height and width: height, width, channels; or features. It builds no graph. An unknown
// name is an error that lists the known ones, the nearest first.
func (n *Network) EndPointShape(name string, height, width int) ([]int, error) {
	_, b, err := n.describe(height, width)
	if err != nil {
		return nil, err
	}
	x, ok := b.endPoints[name]
	if !ok {
		return nil, unknownEndPoint(name, b.endPoints)
	}
	return x.shape[1:], nil
}

// Graph adds the network to the graph of images, which are shaped [batch, height,
// width, 3], RGB in [-1,1]. Parameters are looked up in the scope by their TF-slim
// names, and created there when absent. Batch norm uses the batch's statistics and
// dropout is active when the graph is marked as training (model.Store.SetTraining).
//
// As all graph functions of GoMLX it panics with an error, here when the images'
// shape or a parameter's shape is not what the network takes; model.Exec turns
// that into an error.
func (n *Network) Graph(scope *model.Scope, images *graph.Node) *Outputs {
	shape := images.Shape()
	if shape.Rank() != 4 || shape.Dimensions[3] != 3 || !shape.DType.IsFloat() {
		exceptions.Panicf("%s takes images of a floating point type shaped [batch, height, width, 3], found %s", n.Name(), shape)
	}
	if err := n.CheckSize(shape.Dimensions[1], shape.Dimensions[2]); err != nil {
		panic(err)
	}
	if n.options.Precision == Int8 && scope.IsTraining(images.Graph()) {
		exceptions.Panicf("%s in %s is for inference: train in %s or %s, and quantise what was trained", n.Name(), Int8, Float32, BFloat16)
	}
	in := &value{node: images, shape: shape.Dimensions, layer: imageInput}
	b := newBuilder(n, scope, in)
	logits, auxiliary := b.build(in)
	outputs := &Outputs{Logits: logits.node, EndPoints: map[string]*graph.Node{}, Statistics: b.statistics, layers: b.outputs,
		network: n, images: images, grid: b.grid.wide().node}
	if b.classWeights != nil {
		outputs.classWeights = b.classWeights.NodeValue(b.graph)
	}
	if auxiliary != nil {
		outputs.AuxiliaryLogits = auxiliary.node
	}
	for name, x := range b.endPoints {
		outputs.EndPoints[name] = x.wide().node
	}
	return outputs
}

// build goes through the network. The auxiliary logits are nil where there is no
// auxiliary head.
func (b *builder) build(images *value) (logits, auxiliary *value) {
	features := b.keepLast(b.network.definition.body(b, b.keep(images)))
	b.grid = features
	logits = b.head(features)
	if b.network.options.AuxiliaryHead {
		auxiliary = b.network.definition.auxiliary(b)
	}
	return logits, auxiliary
}
