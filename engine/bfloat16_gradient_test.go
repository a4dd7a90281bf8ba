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
