package arch

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// A Precision is how exactly a network computes.
type Precision string

const (
	// Float32 is everything in float32. It is the zero value's meaning.
	Float32 Precision = "float32"

	// BFloat16 is mixed precision, as Keras and Flax have it: parameters and statistics are
	// float32; convolutions multiply bfloat16 values, sum them in float32, and after bias,
	// batch norm, residual sum and ReLU round once; activations are kept in bfloat16 between
	// layers. The first convolution, whose input is the images, the average over the grid
	// and the logits are float32. Where batch norm uses stored statistics, as in inference,
	// its factors are multiplied into the weights before these are rounded, and so is the
	// scale of a residual branch.
	BFloat16 Precision = "bfloat16"
)

// Precisions lists all precisions.
func Precisions() []Precision { return []Precision{Float32, BFloat16} }

// check refuses what is no precision.
func (p Precision) check() error {
	switch p {
	case "", Float32, BFloat16:
		return nil
	}
	return fmt.Errorf("Precision must be one of %v, found %q", Precisions(), string(p))
}

// mixed reports whether a convolution of x is one of bfloat16 values.
func (b *builder) mixed(x *value) bool { return x.node != nil && x.node.DType() == dtypes.BFloat16 }

// wide returns a node as float32.
func wide(x *graph.Node) *graph.Node {
	if x.DType() != dtypes.BFloat16 {
		return x
	}
	return graph.ConvertDType(x, dtypes.Float32)
}

// rounded returns values that are bfloat16 ones as float32.
func rounded(x *graph.Node) *graph.Node { return wide(graph.ConvertDType(x, dtypes.BFloat16)) }

// narrow rounds what a layer has computed, if layers pass bfloat16 on.
func (b *builder) narrow(x *value) *value {
	if b.network.options.Precision != BFloat16 {
		return x
	}
	return x.then(x.shape, func(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.BFloat16) })
}
