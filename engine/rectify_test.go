package engine_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// TestRectify compares ReLU and its gradient with their definitions at zeros of both
// signs and at what is not finite, where the result tells what the argument was and where
// something may see the sign of its zeros.
func TestRectify(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	zero, minusZero := float32(0), float32(math.Copysign(0, -1))
	a := []float32{zero, minusZero, minusZero, 1, -1, 3, -3, inf, -inf, nan, 1e-45, -1e-45}
	b := []float32{zero, minusZero, zero, -1, 1, -1, 1, 1, 1, 1, 0, 0}
	w := []float32{2, -3, 4, 5, -6, 7, 8, 9, 10, 11, 12, 13}
	for name, c := range map[string]struct {
		outputs func(r, w *graph.Node) []*graph.Node
		signed  bool
	}{
		"kept":      {func(r, w *graph.Node) []*graph.Node { return []*graph.Node{graph.Mul(r, w)} }, true},
		"an output": {func(r, w *graph.Node) []*graph.Node { return []*graph.Node{graph.Mul(r, w), r} }, false},
		"moved to an output": {func(r, w *graph.Node) []*graph.Node {
			return []*graph.Node{graph.Mul(r, w), graph.Reshape(r, 1, 3, 4)}
		}, false},
		"a divisor": {func(r, w *graph.Node) []*graph.Node { return []*graph.Node{graph.Mul(r, w), graph.Reciprocal(r)} }, false},
	} {
		backend := newBackend(t, "threads=2")
		g := graph.NewGraph(backend, name)
		var p []*graph.Node
		for _, name := range []string{"a", "b", "w"} {
			p = append(p, graph.Parameter(g, name, shapes.Make(dtypes.Float32, 1, 1, 3, 4)))
		}
		// A convolution makes it a program of this backend.
		kernel := graph.Parameter(g, "kernel", shapes.Make(dtypes.Float32, 1, 1, 4, 2))
		r := graph.MaxScalar(graph.Add(p[0], p[1]), 0)
		outputs := c.outputs(r, p[2])
		outputs = append(graph.Gradient(graph.ReduceAllSum(outputs[0]), p[0]), outputs...)
		if err := g.Compile(append(outputs, graph.Convolve(p[2], kernel).Done())...); err != nil {
			t.Fatal(err)
		}
		all, err := outputsOf(backend, g.Executable(), [][]float32{a, b, w, make([]float32, 4*2)})
		if err != nil {
			t.Fatal(err)
		}
		same := func(what string, i int, got, want float32) {
			if got != want && (got == got || want == want) || math.Signbit(float64(got)) != math.Signbit(float64(want)) && got == got {
				t.Errorf("%s: %s of %g + %g with the factor %g is %g, want %g", name, what, a[i], b[i], w[i], got, want)
			}
		}
		for i := range a {
			y := a[i] + b[i]
			r, gradient := max(y, 0), w[i]
			switch {
			case y < 0:
				gradient = 0 * w[i]
			case y != y:
				gradient = y
			}
			same("the gradient", i, all[0][i], gradient)
			if got, want := all[1][i], r*w[i]; got != want && (got == got || want == want) {
				t.Errorf("%s: the product of %g + %g and %g is %g, want %g", name, a[i], b[i], w[i], got, want)
			}
			switch name {
			case "an output", "moved to an output":
				same("the result", i, all[2][i], r)
			case "a divisor":
				same("the inverse", i, all[2][i], 1/r)
			}
		}
		steps, err := engine.Operations(g.Executable())
		if err != nil {
			t.Fatal(err)
		}
		signed := false
		for _, s := range steps {
			signed = signed || strings.Contains(s.Algorithm, "rectify")
		}
		if signed != c.signed {
			t.Errorf("%s: the result has the signs of the argument: %t, want %t", name, signed, c.signed)
		}
	}
}
