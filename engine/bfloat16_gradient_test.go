package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// forked is the gradient of values in bfloat16 that several use, one of them a concatenation:
// parts of its gradient are sliced off and added to others, each sum rounded.
func forked(t *testing.T, backend compute.Backend) (outputs [][]float32, algorithms []string) {
	t.Helper()
	g := graph.NewGraph(backend, "forked")
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 7, 5, 24))
	y := graph.Parameter(g, "y", shapes.Make(dtypes.Float32, 2, 7, 5, 9))
	w := graph.Parameter(g, "w", shapes.Make(dtypes.Float32, 2, 7, 5, 33))
	v := graph.Parameter(g, "v", shapes.Make(dtypes.Float32, 2, 7, 5, 24))
	narrow := func(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.BFloat16) }
	wide := func(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.Float32) }
	a, b := narrow(graph.MulScalar(x, 3)), narrow(graph.MaxScalar(y, 0))
	joined := graph.Mul(wide(graph.Concatenate([]*graph.Node{a, b}, 3)), w)
	loss := graph.Add(graph.ReduceAllSum(graph.Square(joined)),
		graph.Add(graph.ReduceAllSum(graph.Square(wide(a))), graph.ReduceAllSum(graph.Mul(wide(a), v))))
	if err := g.Compile(graph.Gradient(loss, x, y)...); err != nil {
		t.Fatal(err)
	}
	return outputsOfRandom(t, backend, g)
}

// layers are layers in training, as arch writes them in bfloat16: two convolutions of the same
// pixels, whose results a third joins, of some stride, with batch norm and ReLU, and a residual
// sum; and the gradients of the weights and of the first values.
func layers(t *testing.T, backend compute.Backend, stride int) (outputs [][]float32, algorithms []string) {
	t.Helper()
	g := graph.NewGraph(backend, "layers")
	var parameters []*graph.Node
	parameter := func(dims ...int) *graph.Node {
		p := graph.Parameter(g, string(rune('a'+len(parameters))), shapes.Make(dtypes.Float32, dims...))
		parameters = append(parameters, p)
		return p
	}
	narrow := func(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.BFloat16) }
	wide := func(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.Float32) }
	convolve := func(x *graph.Node, height, width, channels, stride int) *graph.Node {
		w := parameter(height, width, x.Shape().Dimensions[3], channels)
		return wide(narrow(graph.Convolve(wide(x), wide(narrow(w))).Strides(stride).PadSame().Done()))
	}
	layer := func(x *graph.Node, height, width, channels, stride int) *graph.Node {
		sums := convolve(x, height, width, channels, stride)
		gamma, beta := parameter(channels), parameter(channels)
		if _, ours := backend.(*engine.Backend); ours {
			y, _, _ := graph.InternalBatchNormForTraining(sums, gamma, beta, 1e-3, 3)
			return narrow(graph.MaxScalar(y, 0))
		}
		channelwise := func(x *graph.Node) *graph.Node { return graph.Reshape(x, 1, 1, 1, channels) }
		centred := graph.Sub(sums, graph.ReduceAndKeep(sums, graph.ReduceMean, 0, 1, 2))
		deviation := graph.Sqrt(graph.AddScalar(graph.ReduceAndKeep(graph.Square(centred), graph.ReduceMean, 0, 1, 2), 1e-3))
		y := graph.Add(graph.Mul(graph.Div(centred, deviation), channelwise(gamma)), channelwise(beta))
		return narrow(graph.MaxScalar(y, 0))
	}
	x := narrow(parameter(2, 9, 11, 34))
	joined := graph.Concatenate([]*graph.Node{layer(x, 1, 1, 32, 1), layer(layer(x, 1, 1, 40, 1), 1, 7, 30, 1)}, 3)
	y := layer(joined, 3, 3, 64, stride)
	y = narrow(graph.Add(wide(y), convolve(y, 1, 1, 64, 1)))
	loss := graph.ReduceAllSum(graph.Square(wide(y)))
	if err := g.Compile(append([]*graph.Node{loss}, graph.Gradient(loss, parameters...)...)...); err != nil {
		t.Fatal(err)
	}
	return outputsOfRandom(t, backend, g)
}

// TestBFloat16Layers compares the gradients of layers with the go backend's, of which sums in
// another order are rounded to another side now and then, and has no convolution nor gradient of
// one computed in float32 where AMX's tiles are, nor more conversions than of what comes in and
// goes out.
func TestBFloat16Layers(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	for _, stride := range []int{1, 2} {
		want, _ := layers(t, theirs, stride)
		for _, isa := range kernel.Available() {
			var first [][]float32
			for _, threads := range []string{"1", "3"} {
				got, operations := layers(t, newBackend(t, "isa="+string(isa)+",threads="+threads), stride)
				for i := range want {
					if e := distance(got[i], want[i]); !(e < 0.03) {
						t.Errorf("%s, stride %d: relative L2 difference %g of result %d", isa, stride, e, i)
					}
				}
				if first == nil {
					first = got
				}
				for i := range got {
					// Winograd's algorithm sums gradients in as many parts as there are threads.
					if isa == kernel.AMX && !slices.Equal(got[i], first[i]) {
						t.Errorf("%s, stride %d: result %d with %s threads is not that with one", isa, stride, i, threads)
					}
				}
				for _, o := range operations {
					if isa == kernel.AMX && (strings.Contains(o, "F32") || strings.HasPrefix(o, "go backend")) {
						t.Errorf("%s, stride %d: %q", isa, stride, o)
					}
				}
			}
		}
	}
}

// TestBFloat16Sums compares sums and slices of gradients in bfloat16 with the go backend's, bit
// for bit, and has none of them computed by it.
func TestBFloat16Sums(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	want, _ := forked(t, theirs)
	for _, isa := range kernel.Available() {
		got, operations := forked(t, newBackend(t, "isa="+string(isa)))
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%s: gradient %d differs by %g", isa, i, distance(got[i], want[i]))
			}
		}
		if slices.ContainsFunc(operations, func(o string) bool { return strings.HasPrefix(o, "go backend") }) {
			t.Errorf("%s: %q", isa, operations)
		}
	}
}
