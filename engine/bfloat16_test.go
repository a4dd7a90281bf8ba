package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// TestBFloat16Networks compares small networks in bfloat16 with the go backend's results,
// which convert as the graph says: sums in another order end on another side of a rounding
// now and then. On machines without the instructions, the conversions are computed here
// too.
func TestBFloat16Networks(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	o := arch.Options{Blocks: []int{1, 2, 2}, Width: 0.25, Classes: 11, Precision: arch.BFloat16}
	for _, name := range arch.Names() {
		for _, o := range poolings(name, o) {
			want := logits(t, theirs, name, o, 3, 91)
			for _, isa := range kernel.Available() {
				ours := newBackend(t, "isa="+string(isa))
				e := distance(logits(t, ours, name, o, 3, 91), want)
				t.Logf("%s, %s: relative L2 difference %.2g", name, isa, e)
				if !(e < 1e-2) {
					t.Errorf("%s, %s: relative L2 difference %g", name, isa, e)
				}
			}
		}
	}
	plain := o
	plain.Precision = arch.Float32
	if e := distance(logits(t, theirs, "inception_v4", plain, 3, 91), logits(t, theirs, "inception_v4", o, 3, 91)); !(e > 1e-3) {
		t.Errorf("bfloat16 is no other precision than float32: relative L2 difference %g", e)
	}
}

// TestBFloat16Operations asserts that convolutions and pooling compute in bfloat16 where the
// machine has instructions for it, without conversions between layers, and that results do
// not depend on the number of threads.
func TestBFloat16Operations(t *testing.T) {
	set, err := kernel.For(kernel.Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	if set.GemmBF16 == nil || !set.GemmBF16.Faster {
		t.Skipf("%s has no faster instructions for bfloat16 than for float32 here", set.ISA)
	}
	for _, name := range arch.Names() {
		o := arch.Options{Width: 0.5, Blocks: []int{1, 1, 1}, Precision: arch.BFloat16}
		program := compileNetwork(t, newBackend(t, "threads=2"), name, o, 1, 107)
		operations, err := engine.Operations(program)
		if err != nil {
			t.Fatal(err)
		}
		conversions := 0
		for i, op := range operations {
			switch {
			case op.Name == "go backend":
				t.Errorf("%s: operation %d is the go backend's: %s", name, i, op.Algorithm)
			case op.Name == "convert":
				conversions++
			case op.Name == "convolution" && !strings.Contains(op.Algorithm, "BF16") && !strings.Contains(op.Algorithm, "of bfloat16") && op.Input[3] != 3 && op.Output[3] != 1000:
				t.Errorf("%s: operation %d, a convolution of %v, is %s", name, i, op.Input, op.Algorithm)
			}
		}
		if conversions != 1 { // before the average over the grid
			t.Errorf("%s: %d conversions, want 1", name, conversions)
		}
		program.Finalize()
		var want []float32
		for _, threads := range []string{"1", "2", "3"} {
			got := logits(t, newBackend(t, "winograd=off,threads="+threads), name, o, 2, 107)
			if want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %s threads give other results than one", name, threads)
			}
		}
	}
}

// trainedSums are the sums of a convolution of bfloat16 values with weights that are rounded to
// that, and their gradients, as arch writes them in training.
type trainedSums struct{ in, out, height, width, stride int }

func (c trainedSums) run(t *testing.T, backend compute.Backend) (outputs [][]float32, algorithms []string) {
	t.Helper()
	g := graph.NewGraph(backend, "sums")
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 9, 11, c.in))
	w := graph.Parameter(g, "w", shapes.Make(dtypes.Float32, c.height, c.width, c.in, c.out))
	rounded := func(x *graph.Node) *graph.Node {
		return graph.ConvertDType(graph.ConvertDType(x, dtypes.BFloat16), dtypes.Float32)
	}
	y := graph.Convolve(rounded(graph.MaxScalar(x, 0)), rounded(w)).Strides(c.stride).PadSame().Done()
	loss := graph.ReduceAllSum(graph.Square(y))
	if err := g.Compile(append([]*graph.Node{y}, graph.Gradient(loss, x, w)...)...); err != nil {
		t.Fatal(err)
	}
	return outputsOfRandom(t, backend, g)
}

// outputsOfRandom runs a compiled graph on normally distributed values, and returns its outputs
// and the names and algorithms of its operations, where the backend tells them.
func outputsOfRandom(t *testing.T, backend compute.Backend, g *graph.Graph) (outputs [][]float32, algorithms []string) {
	t.Helper()
	program := g.Executable()
	defer program.Finalize()
	r := rand.New(rand.NewPCG(1, 2))
	_, inputs := program.Inputs()
	values := make([][]float32, len(inputs))
	for i, shape := range inputs {
		for range shape.Size() {
			values[i] = append(values[i], float32(r.NormFloat64()))
		}
	}
	outputs, err := outputsOf(backend, program, values)
	if err != nil {
		t.Fatal(err)
	}
	if operations, err := engine.Operations(program); err == nil {
		for _, o := range operations {
			algorithms = append(algorithms, o.Name+" "+o.Algorithm)
		}
	}
	return outputs, algorithms
}

// TestBFloat16Trained compares convolutions of trained weights in bfloat16 with the go backend's
// results: products of bfloat16 are exact in float32, so that only the order of the sums is
// another. Gradients are rounded to bfloat16.
func TestBFloat16Trained(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	for _, c := range []trainedSums{{16, 40, 3, 3, 1}, {34, 33, 1, 7, 1}, {64, 32, 1, 1, 1}, {32, 65, 3, 3, 2}, {2, 1, 3, 1, 1}, {3, 8, 3, 3, 1}} {
		want, _ := c.run(t, theirs)
		for _, isa := range kernel.Available() {
			set, err := kernel.For(isa)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("%s %+v", isa, c)
			var first [][]float32
			for _, threads := range []string{"1", "2", "3"} {
				got, algorithms := c.run(t, newBackend(t, "isa="+string(isa)+",threads="+threads))
				for i, bound := range []float64{1e-6, 4e-3, 4e-3} {
					if e := distance(got[i], want[i]); !(e < bound) {
						t.Errorf("%s, %s threads: relative L2 difference %g of result %d", what, threads, e, i)
					}
				}
				mixed := slices.ContainsFunc(algorithms, func(a string) bool { return strings.Contains(a, "BF16") })
				if want := c.in%2 == 0 && set.GemmBF16 != nil && set.GemmBF16.Faster; mixed != want {
					t.Errorf("%s: products of bfloat16 is %t: %q", what, mixed, algorithms)
				}
				if first == nil {
					first = got
				} else if !slices.Equal(got[0], first[0]) {
					t.Errorf("%s: %s threads give other sums than one", what, threads)
				}
			}
		}
	}
	// Where little rounding is asked for, sums are float64's.
	if _, algorithms := (trainedSums{16, 40, 3, 3, 1}).run(t, newBackend(t, "winograd=off")); slices.ContainsFunc(algorithms, func(a string) bool { return strings.Contains(a, "BF16") }) {
		t.Errorf("without Winograd's algorithm: %q", algorithms)
	}
}
