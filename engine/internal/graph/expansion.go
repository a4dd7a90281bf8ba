package graph

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// An expansion writes an operation that GoMLX's go backend lacks in terms of those
// that it has. The first error stays, and what follows it does nothing.
type expansion struct {
	compute.Function
	err error
}

func (e *expansion) try(v compute.Value, err error) compute.Value {
	if e.err == nil {
		e.err = err
	}
	return v
}

func (e *expansion) shape(v compute.Value) shapes.Shape {
	if e.err != nil {
		return shapes.Invalid()
	}
	s, err := e.Shape(v)
	e.err = err
	return s
}

func (e *expansion) binary(do func(lhs, rhs compute.Value) (compute.Value, error), lhs, rhs compute.Value) compute.Value {
	if e.err != nil {
		return nil
	}
	return e.try(do(lhs, rhs))
}

// scalar is a constant of a floating-point type.
func (e *expansion) scalar(dtype dtypes.DType, v float64) compute.Value {
	if e.err != nil {
		return nil
	}
	if dtype == dtypes.Float64 {
		return e.try(e.Constant([]float64{v}))
	}
	c := e.try(e.Constant([]float32{float32(v)}))
	if dtype == dtypes.Float32 || e.err != nil {
		return c
	}
	return e.try(e.ConvertDType(c, dtype))
}

// fill is a constant in every element of a shape.
func (e *expansion) fill(shape shapes.Shape, v float64) compute.Value {
	c := e.scalar(shape.DType, v)
	if e.err != nil {
		return nil
	}
	return e.try(e.BroadcastInDim(c, shape, nil))
}

// batchNorm has what batch norm's forward and backward pass share.
type batchNorm struct {
	*expansion
	shape    shapes.Shape // of the images
	channels shapes.Shape // of the statistics
	axis     int
}

func (e *expansion) batchNorm(operand compute.Value, axis int) *batchNorm {
	shape := e.shape(operand)
	if e.err != nil {
		return &batchNorm{expansion: e}
	}
	if !shape.DType.IsFloat() || axis < 0 || axis >= shape.Rank() {
		e.err = fmt.Errorf("batch norm needs a floating-point operand and one of its axes, found %s and axis %d", shape, axis)
		return &batchNorm{expansion: e}
	}
	return &batchNorm{e, shape, shapes.Make(shape.DType, shape.Dimensions[axis]), axis}
}

func (n *batchNorm) broadcast(v compute.Value) compute.Value {
	if n.err != nil {
		return nil
	}
	return n.try(n.BroadcastInDim(v, n.shape, []int{n.axis}))
}

// mean is the average by channel.
func (n *batchNorm) mean(v compute.Value) compute.Value {
	if n.err != nil {
		return nil
	}
	return n.binary(n.Mul, n.sum(v), n.fill(n.channels, float64(n.channels.Size())/float64(n.shape.Size())))
}

func (n *batchNorm) sum(v compute.Value) compute.Value {
	if n.err != nil {
		return nil
	}
	var axes []int
	for i := range n.shape.Rank() {
		if i != n.axis {
			axes = append(axes, i)
		}
	}
	return n.try(n.ReduceSum(v, axes...))
}

// inverse is 1 / sqrt(variance + epsilon).
func (n *batchNorm) inverse(variance compute.Value, epsilon float32) compute.Value {
	sum := n.binary(n.Add, variance, n.fill(n.channels, float64(epsilon)))
	if n.err != nil {
		return nil
	}
	return n.try(n.Rsqrt(sum))
}

// batchNormForTraining is (x - mean) / sqrt(variance + epsilon) * scale + offset with
// the mean and the variance of the batch, by channel.
func batchNormForTraining(g compute.Function, operand, scale, offset compute.Value, epsilon float32, axis int) (normalized, mean, variance compute.Value, err error) {
	n := (&expansion{Function: g}).batchNorm(operand, axis)
	if n.err != nil {
		return nil, nil, nil, n.err
	}
	mean = n.mean(operand)
	centred := n.binary(n.Sub, operand, n.broadcast(mean))
	variance = n.mean(n.binary(n.Mul, centred, centred))
	factor := n.binary(n.Mul, scale, n.inverse(variance, epsilon))
	normalized = n.binary(n.Add, n.binary(n.Mul, centred, n.broadcast(factor)), n.broadcast(offset))
	return normalized, mean, variance, n.err
}

// batchNormGradient is the gradient of batchNormForTraining's normalized.
func batchNormGradient(g compute.Function, operand, scale, mean, variance, gradient compute.Value, epsilon float32, axis int) (toOperand, toScale, toOffset compute.Value, err error) {
	n := (&expansion{Function: g}).batchNorm(operand, axis)
	if n.err != nil {
		return nil, nil, nil, n.err
	}
	inverse := n.inverse(variance, epsilon)
	normalized := n.binary(n.Mul, n.binary(n.Sub, operand, n.broadcast(mean)), n.broadcast(inverse))
	product := n.binary(n.Mul, gradient, normalized)
	toScale, toOffset = n.sum(product), n.sum(gradient)
	// scale * inverse * (gradient - mean(gradient) - normalized * mean(product))
	rest := n.binary(n.Sub, gradient, n.broadcast(n.mean(gradient)))
	rest = n.binary(n.Sub, rest, n.binary(n.Mul, normalized, n.broadcast(n.mean(product))))
	toOperand = n.binary(n.Mul, rest, n.broadcast(n.binary(n.Mul, scale, inverse)))
	return toOperand, toScale, toOffset, n.err
}

// selectAndScatterMax adds each element of source to where its window of the operand
// has its largest value, the first of several in row-major order.
func selectAndScatterMax(g compute.Function, operand, source compute.Value, window, strides []int, paddings [][2]int) (compute.Value, error) {
	e := &expansion{Function: g}
	in, out := e.shape(operand), e.shape(source)
	if e.err != nil {
		return nil, e.err
	}
	rank := in.Rank()
	if strides == nil {
		strides = window
	}
	if paddings == nil {
		paddings = make([][2]int, rank)
	}
	if len(window) != rank || len(strides) != rank || len(paddings) != rank || out.Rank() != rank || !in.DType.IsFloat() {
		return nil, fmt.Errorf("selecting the largest of windows %v, strides %v, paddings %v of %s for %s: they should have as many axes, of a floating-point type",
			window, strides, paddings, in, out)
	}
	ones := slices.Repeat([]int{1}, rank)
	largest := e.try(e.ReduceWindow(operand, compute.ReduceOpMax, window, strides, ones, ones, paddings))
	if e.err != nil {
		return nil, e.err
	}
	if found := e.shape(largest); !slices.Equal(found.Dimensions, out.Dimensions) {
		return nil, fmt.Errorf("windows %v, strides %v, paddings %v of %s make %s, but the source is %s", window, strides, paddings, in, found, out)
	}
	edges := make([]compute.PadAxis, rank)
	padded := slices.Clone(in.Dimensions)
	for i, p := range paddings {
		edges[i] = compute.PadAxis{Start: p[0], End: p[1]}
		padded[i] += p[0] + p[1]
	}
	pixels := e.try(e.Pad(operand, e.scalar(in.DType, math.Inf(-1)), edges...))
	zero, zeros := e.scalar(in.DType, 0), e.fill(out, 0)
	sum := e.fill(shapes.Make(in.DType, padded...), 0)
	var taken compute.Value
	for at := make([]int, rank); e.err == nil; {
		// The elements at this place of each window, and where they go back to.
		limits, back := make([]int, rank), make([]compute.PadAxis, rank)
		for i, start := range at {
			limits[i] = start + (out.Dimensions[i]-1)*strides[i] + 1
			back[i] = compute.PadAxis{Start: start, End: padded[i] - limits[i], Interior: strides[i] - 1}
		}
		hit := e.binary(e.Equal, e.try(e.Slice(pixels, at, limits, strides)), largest)
		if taken == nil {
			taken = hit
		} else if e.err == nil {
			hit = e.binary(e.LogicalAnd, hit, e.try(e.LogicalNot(taken)))
			taken = e.binary(e.LogicalOr, taken, hit)
		}
		if e.err == nil {
			chosen := e.try(e.Where(hit, source, zeros))
			sum = e.binary(e.Add, sum, e.try(e.Pad(chosen, zero, back...)))
		}
		if !advance(at, window) {
			break
		}
	}
	if e.err != nil {
		return nil, e.err
	}
	starts, limits := make([]int, rank), slices.Clone(padded)
	for i, p := range paddings {
		starts[i] = p[0]
		limits[i] -= p[1]
	}
	return e.try(e.Slice(sum, starts, limits, ones)), e.err
}

// pad is Pad whose edges may be negative, which take elements away: GoMLX's go backend
// fails on them.
func pad(g compute.Function, x, fill compute.Value, axes []compute.PadAxis) (compute.Value, error) {
	outer, cut := slices.Clone(axes), false
	for i, a := range axes {
		outer[i].Start, outer[i].End = max(a.Start, 0), max(a.End, 0)
		cut = cut || outer[i] != a
	}
	padded, err := g.Pad(x, fill, outer...)
	if err != nil || !cut {
		return padded, err
	}
	shape, err := g.Shape(padded)
	if err != nil {
		return nil, err
	}
	starts, limits, strides := make([]int, shape.Rank()), slices.Clone(shape.Dimensions), slices.Repeat([]int{1}, shape.Rank())
	for i, a := range axes {
		starts[i] = max(-a.Start, 0)
		limits[i] -= max(-a.End, 0)
	}
	return g.Slice(padded, starts, limits, strides)
}

// advance steps to the next index in row-major order; false after the last.
func advance(at, size []int) bool {
	for i := len(at) - 1; i >= 0; i-- {
		if at[i]++; at[i] < size[i] {
			return true
		}
		at[i] = 0
	}
	return false
}
