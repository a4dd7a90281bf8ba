package arch

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/internal/device"
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
	// scale of a residual branch. In training, and on a device, such as XLA's, the sums of
	// convolutions are rounded as well, so that their gradients are products of bfloat16:
	// gradients are of the type of what they are the gradient of.
	BFloat16 Precision = "bfloat16"

	// Int8 is inference in 8-bit integers: convolutions multiply unsigned activations by
	// signed weights. Each output channel of a convolution has a scale for its weights, and
	// each tensor of activations one for its values, whose parameters a calibration makes:
	// batch norm and the scale of a residual branch are folded into weights and biases.
	// Residual sums go from block to block in bfloat16. The first convolution, averages and
	// the logits are float32. It is written by ordinary operations, which compute sums of
	// products of integers in float32.
	Int8 Precision = "int8"
)

// Precisions lists all precisions.
func Precisions() []Precision { return []Precision{Float32, BFloat16, Int8} }

// check refuses what is no precision.
func (p Precision) check() error {
	if p == "" || slices.Contains(Precisions(), p) {
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

// convolveRounded slides the window over x, which is bfloat16, with weights rounded to that,
// and returns the sums as float32.
//
// A backend in this process is given float32 values that are bfloat16 ones, which it finds
// kernels for. XLA would convert them and multiply in float32: it has the hardware's products
// of bfloat16 for convolutions of that type alone, which sum in float32 and round the sums.
func (w window) convolveRounded(x, weights *graph.Node) *graph.Node {
	weights = graph.ConvertDType(weights, dtypes.BFloat16)
	if device.InProcess(x.Graph().Backend()) {
		return w.convolve(wide(x), wide(weights))
	}
	return wide(w.convolve(x, weights))
}

// convolveTrained is convolveRounded with rounded sums, whose gradient is rounded, too.
func (w window) convolveTrained(x, weights *graph.Node) *graph.Node {
	return wide(graph.ConvertDType(w.convolveRounded(x, weights), dtypes.BFloat16))
}

// narrow rounds what a layer has computed, if layers pass bfloat16 on.
func (b *builder) narrow(x *value) *value {
	switch b.network.options.Precision {
	case BFloat16:
		return x.halved()
	case Int8:
		return b.quantize(x)
	}
	return x
}

// narrowLike is narrow for values that are some of x's, which as integers they remain.
func (b *builder) narrowLike(x, y *value) *value {
	if !b.quantizes() {
		return b.narrow(y)
	}
	y = y.then(y.shape, func(y *graph.Node) *graph.Node { return graph.ConvertDType(y, dtypes.Uint8) })
	y.scale, y.signed = x.scale, x.signed
	return y
}

// narrowSum is narrow for the sum of a residual block. As integers are for its convolutions
// alone, the next sum starts from the sum itself, in bfloat16.
func (b *builder) narrowSum(y *value) *value {
	narrowed := b.narrow(y)
	if b.quantizes() {
		narrowed.sum = y.halved().node
	}
	return narrowed
}

// summand returns what a residual block adds to, as float32: of an int8 network a sum, or
// integers, in bfloat16.
func (b *builder) summand(x *value) *value {
	if b.quantizes() && x.sum == nil {
		return x.wide().halved().wide()
	}
	return x.wide()
}

// halved rounds a value to bfloat16.
func (x *value) halved() *value {
	return x.then(x.shape, func(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.BFloat16) })
}

// wide returns a value as float32.
func (x *value) wide() *value {
	return x.unscaled().then(x.shape, func(node *graph.Node) *graph.Node {
		switch {
		case x.sum != nil:
			return wide(x.sum)
		case x.scale != nil:
			return graph.Mul(node, x.scale)
		}
		return node
	})
}

// unscaled returns what convolutions multiply and maximum pooling compares, as float32: the
// value, or the integers that it is kept as.
func (x *value) unscaled() *value {
	return x.then(x.shape, func(node *graph.Node) *graph.Node {
		switch {
		case node.DType() != dtypes.Uint8:
			return wide(node)
		case x.signed:
			return graph.AddScalar(graph.ConvertDType(node, dtypes.Float32), -signedZero)
		}
		return graph.ConvertDType(node, dtypes.Float32)
	})
}
