package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// A gradientCase is a small network whose loss has a gradient by every path that those of
// the networks have: convolutions of any window, stride and padding, batch norm with ReLU,
// biases and scaled residual sums, both kinds of pooling, concatenation, dense layers,
// softmax cross-entropy.
type gradientCase struct {
	images                  [4]int
	window                  [2]int
	stride, channels, more  int
	same, residual, average bool
	poolSize, poolStride    int
	poolSame                bool
}

// newGradientCase has windows of odd sizes alone: GoMLX's gradient with respect to the
// images of even ones is not that of the convolution, on any backend and in float64 too.
func newGradientCase(r *rand.Rand) gradientCase {
	pick := func(choices ...int) int { return choices[r.IntN(len(choices))] }
	side := func() int { return 6 + r.IntN(8) }
	c := gradientCase{
		images: [4]int{pick(1, 2, 3), side(), side(), pick(1, 3, 8, 17, 32)},
		window: [2]int{pick(1, 3, 5), pick(1, 3, 7)}, stride: pick(1, 1, 2, 3), channels: pick(5, 16, 33), more: pick(4, 32),
		same: pick(0, 1) == 1, residual: pick(0, 1) == 1, average: pick(0, 1) == 1,
		poolSize: pick(2, 3), poolStride: pick(1, 2), poolSame: pick(0, 1) == 1,
	}
	if !c.same { // something must be left to pool
		c.window = [2]int{min(c.window[0], 3), min(c.window[1], 3)}
	}
	c.poolSame = c.poolSame || c.stride == 3
	return c
}

// shapes of the parameters: images, three kernels, batch norm's scale and offset, biases,
// and the weights of the dense layer.
func (c gradientCase) shapes() [][]int {
	in := c.images[3]
	return [][]int{
		c.images[:], {c.window[0], c.window[1], in, c.channels}, {1, 1, c.channels, c.more}, {3, 3, c.more, c.channels},
		{c.channels}, {c.channels}, {c.channels}, {c.channels + c.more, 4},
	}
}

// loss is the case's, of parameters of any floating-point type.
func (c gradientCase) loss(p []*graph.Node) *graph.Node {
	pad := func(conv *graph.ConvolutionBuilder, same bool) *graph.Node {
		if same {
			return conv.PadSame().Done()
		}
		return conv.NoPadding().Done()
	}
	y := pad(graph.Convolve(p[0], p[1]).Strides(c.stride), c.same)
	y, _, _ = graph.InternalBatchNormForTraining(y, p[4], p[5], 1e-3, 3)
	y = graph.MaxScalar(y, 0)
	pool := graph.MaxPool(y)
	if c.average {
		pool = graph.MeanPool(y)
	}
	pool = pool.Window(c.poolSize).Strides(c.poolStride)
	if c.poolSame {
		y = pool.PadSame().Done()
	} else {
		y = pool.NoPadding().Done()
	}
	narrow := graph.Convolve(y, p[2]).PadSame().Done()
	wide := graph.Convolve(narrow, p[3]).PadSame().Done()
	wide = graph.Add(wide, graph.Reshape(p[6], 1, 1, 1, c.channels))
	if c.residual {
		wide = graph.Add(graph.MulScalar(wide, 0.3), y)
	}
	wide = graph.MaxScalar(wide, 0)
	features := graph.ReduceMean(graph.Concatenate([]*graph.Node{wide, narrow}, 3), 1, 2)
	logits := graph.Dot(features, p[7]).Product()
	targets := graph.OneHot(graph.Iota(logits.Graph(), shapes.Make(dtypes.Int32, c.images[0]), 0), 4, logits.DType())
	return graph.Neg(graph.ReduceAllMean(graph.Mul(targets, graph.LogSoftmax(logits))))
}

// compile makes the program of the loss, with its gradients where asked.
func (c gradientCase) compile(backend compute.Backend, dtype dtypes.DType, gradients bool) (compute.Executable, error) {
	g := graph.NewGraph(backend, "loss")
	var parameters []*graph.Node
	for i, dims := range c.shapes() {
		parameters = append(parameters, graph.Parameter(g, fmt.Sprint(i), shapes.Make(dtype, dims...)))
	}
	outputs := []*graph.Node{c.loss(parameters)}
	if gradients {
		outputs = append(outputs, graph.Gradient(outputs[0], parameters...)...)
	}
	if err := g.Compile(outputs...); err != nil {
		return nil, err
	}
	return g.Executable(), nil
}

// outputsOf runs a program on flat parameters, and returns its outputs.
func outputsOf[T float32 | float64](backend compute.Backend, program compute.Executable, parameters [][]T) ([][]T, error) {
	_, all := program.Inputs()
	var inputs []compute.Buffer
	for i, shape := range all {
		b, err := backend.BufferFromFlatData(0, parameters[i], shape)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, b)
	}
	buffers, err := program.Execute(inputs, nil, 0)
	if err != nil {
		return nil, err
	}
	var outputs [][]T
	for i, shape := range program.Outputs() {
		flat := make([]T, shape.Size())
		if err := buffers[i].ToFlatData(flat); err != nil {
			return nil, err
		}
		outputs = append(outputs, flat)
	}
	return outputs, nil
}

// TestFiniteDifferences compares the gradients with differences of the loss in float64,
// along each gradient, which shows what of it is too much, and along a random direction,
// which shows what it lacks.
func TestFiniteDifferences(t *testing.T) {
	const step, tolerance = 1e-5, 1e-3
	ours, err := variants()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(21, 22))
	used := map[string]bool{}
	cases := 24
	if testing.Short() {
		cases = 8
	}
	for range cases {
		c := newGradientCase(r)
		exact, err := c.compile(ours[0].Backend, dtypes.Float64, false)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		var narrow [][]float32
		var wide [][]float64
		for _, dims := range c.shapes() {
			size := shapes.Make(dtypes.Float32, dims...).Size()
			flat, same := make([]float32, size), make([]float64, size)
			for i := range flat {
				flat[i] = float32(r.NormFloat64())
				same[i] = float64(flat[i])
			}
			narrow, wide = append(narrow, flat), append(wide, same)
		}
		// along is the loss's derivative with respect to a parameter in a direction.
		along := func(parameter int, direction []float64) float64 {
			at := wide[parameter]
			defer func() { wide[parameter] = at }()
			var losses [2]float64
			for side, sign := range []float64{1, -1} {
				moved := make([]float64, len(at))
				for i := range at {
					moved[i] = at[i] + sign*step*direction[i]
				}
				wide[parameter] = moved
				outputs, err := outputsOf(ours[0].Backend, exact, wide)
				if err != nil {
					t.Fatal(err)
				}
				losses[side] = outputs[0][0]
			}
			return (losses[0] - losses[1]) / (2 * step)
		}
		for _, v := range ours {
			program, err := c.compile(v.Backend, dtypes.Float32, true)
			if err != nil {
				t.Fatal(err)
			}
			steps, err := engine.Operations(program)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				used[s.Name] = true
			}
			outputs, err := outputsOf(v.Backend, program, narrow)
			if err != nil {
				t.Fatal(err)
			}
			for p, gradient := range outputs[1:] {
				norm, randomNorm := 0.0, 0.0
				direction, random := make([]float64, len(gradient)), make([]float64, len(gradient))
				for i, g := range gradient {
					direction[i], random[i] = float64(g), r.NormFloat64()
					norm += direction[i] * direction[i]
					randomNorm += random[i] * random[i]
				}
				norm, randomNorm = math.Sqrt(norm), math.Sqrt(randomNorm)
				want := 0.0
				for i := range direction {
					direction[i] /= norm
					random[i] /= randomNorm
					want += random[i] * float64(gradient[i])
				}
				bound := tolerance * (norm + 1e-4)
				if norm > 0 {
					if got := along(p, direction); !(math.Abs(got-norm) <= bound) {
						t.Errorf("%s, %+v: gradient of parameter %d has length %g, the loss rises by %g along it", v.config, c, p, norm, got)
					}
				}
				if got := along(p, random); !(math.Abs(got-want) <= bound) {
					t.Errorf("%s, %+v: the loss rises by %g along a direction of parameter %d, its gradient says %g", v.config, c, got, p, want)
				}
			}
			program.Finalize()
		}
		exact.Finalize()
	}
	for _, operation := range []string{"weight gradient", "batch norm gradient", "max pool gradient", "sum pool gradient", "convolution", "elementwise", "reduction", "pad"} {
		if !used[operation] && !testing.Short() {
			t.Errorf("no case uses the operation %s", operation)
		}
	}
}
