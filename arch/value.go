package arch

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// A value is what flows between the layers of a network: a node of the graph that is
// being built, or its shape alone where the network is only described.
type value struct {
	node  *graph.Node // nil where the network is only described
	shape []int       // batch, height, width, channels; or batch, features
	layer int         // that it comes from, by index; imageInput for the images

	// Of an int8 network, where node holds 8-bit integers:
	scale  *graph.Node // what they are multiples of, a scalar
	signed bool        // signedZero stands for 0
	sum    *graph.Node // the residual sum that they were rounded from, in bfloat16
}

// channels is the size of the last axis.
func (x *value) channels() int { return x.shape[len(x.shape)-1] }

// then applies an operation, whose result has the given shape. That the shape is the
// graph's is asserted, so that a description is true of what runs.
func (x *value) then(shape []int, operation func(x *graph.Node) *graph.Node) *value {
	y := &value{shape: shape, layer: x.layer}
	if x.node == nil {
		return y
	}
	y.node = operation(x.node)
	if found := y.node.Shape(); !slices.Equal(found.Dimensions, shape) {
		exceptions.Panicf("a *value should be %v, but is %s in the graph", shape, found)
	}
	return y
}
