package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// roundedCase is two convolutions in float32 with a stride, whose results are only rounded, and
// joined.
type roundedCase struct {
	channels, height, width int
	out                     [2]int
	integers                bool
}

func (c roundedCase) run(t *testing.T, backend compute.Backend) (values []float32, conversions int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	g := graph.NewGraph(backend, "rounded")
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 3, 23, 31, c.channels))
	var parts []*graph.Node
	for _, out := range c.out {
		weights := make([]float32, c.height*c.width*c.channels*out)
		for i := range weights {
			weights[i] = float32(r.NormFloat64() / math.Sqrt(float64(len(weights)/out)))
		}
		w := graph.Reshape(graph.Const(g, weights), c.height, c.width, c.channels, out)
		y := graph.MaxScalar(graph.Convolve(x, w).Strides(2).NoPadding().Done(), 0)
		if c.integers {
			y = graph.ConvertDType(graph.ClipScalar(graph.Round(graph.MulScalar(y, 60)), 0, 255), dtypes.Uint8)
		} else {
			y = graph.ConvertDType(y, dtypes.BFloat16)
		}
		parts = append(parts, y)
	}
	if err := g.Compile(graph.ConvertDType(graph.Concatenate(parts, 3), dtypes.Float32)); err != nil {
		t.Fatal(err)
	}
	outputs, _ := outputsOfRandom(t, backend, g)
	if operations, err := engine.Operations(g.Executable()); err == nil {
		for _, o := range operations {
			if o.Name == "convert" {
				conversions++
			}
		}
	}
	return outputs[0], conversions
}

// TestRoundedConvolutions compares convolutions that round their result with the go backend, which
// sums in another order: so now and then a value is rounded to what is beside.
func TestRoundedConvolutions(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	for _, c := range []roundedCase{
		{3, 3, 3, [2]int{32, 1}, false}, {3, 3, 3, [2]int{32, 64}, true}, {5, 1, 1, [2]int{17, 400}, false}, {4, 7, 7, [2]int{64, 33}, true}, {8, 1, 3, [2]int{1100, 8}, false},
	} {
		want, _ := c.run(t, theirs)
		for _, isa := range kernel.Available() {
			for _, threads := range []int{1, 3} {
				got, conversions := c.run(t, newBackend(t, fmt.Sprintf("isa=%s,threads=%d", isa, threads)))
				if conversions != 1 { // the one that ends the graph
					t.Errorf("%s, %+v: %d conversions, want 1", isa, c, conversions)
				}
				others := 0
				for i, v := range got {
					beside := 0x1p-7*float64(want[i]) + 1e-6
					if c.integers {
						beside = 1
					}
					if v != want[i] {
						others++
					}
					if !(math.Abs(float64(v-want[i])) <= beside) {
						t.Fatalf("%s, %d threads, %+v: element %d is %g, want %g", isa, threads, c, i, v, want[i])
					}
				}
				if others > len(got)/200 {
					t.Errorf("%s, %d threads, %+v: %d of %d elements differ", isa, threads, c, others, len(got))
				}
			}
		}
	}
}
