package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A weightGradientCase is a convolution of images of height x width pixels.
type weightGradientCase struct {
	images, height, width, in, out, kh, kw int
	same                                   bool
}

// gradient is that with respect to the weights, and how it is computed.
func (c weightGradientCase) gradient(t *testing.T, config string, runs int) (algorithm string, values [][]float32) {
	t.Helper()
	backend := newBackend(t, config)
	g := graph.NewGraph(backend, "gradient")
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, c.images, c.height, c.width, c.in))
	w := graph.Parameter(g, "w", shapes.Make(dtypes.Float32, c.kh, c.kw, c.in, c.out))
	convolution := graph.Convolve(x, w).NoPadding()
	if c.same {
		convolution = graph.Convolve(x, w).PadSame()
	}
	y := convolution.Done()
	dy := graph.Parameter(g, "dy", y.Shape())
	if err := g.Compile(graph.Gradient(graph.ReduceAllSum(graph.Mul(y, dy)), w)[0]); err != nil {
		t.Fatal(err)
	}
	program := g.Executable()
	defer program.Finalize()
	steps, err := engine.Operations(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.Name == "weight gradient" {
			algorithm = s.Algorithm
		}
	}
	r := rand.New(rand.NewPCG(31, 32))
	var inputs []compute.Buffer
	_, all := program.Inputs()
	for _, shape := range all {
		flat := make([]float32, shape.Size())
		for i := range flat {
			flat[i] = float32(r.NormFloat64())
		}
		b, err := backend.BufferFromFlatData(0, flat, shape)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, b)
	}
	for range runs {
		got, err := execute(program, inputs)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, got)
	}
	return algorithm, values
}

// TestWinogradGradient compares gradients by Winograd's algorithm with direct sums: each
// thread with its own blocks of tiles and all with the same, and the tiles in one block
// and in several.
func TestWinogradGradient(t *testing.T) {
	for _, c := range []weightGradientCase{
		{images: 2, height: 61, width: 70, in: 32, out: 33, kh: 3, kw: 3, same: true}, // own
		{images: 1, height: 35, width: 37, in: 48, out: 40, kh: 3, kw: 3},
		{images: 1, height: 90, width: 83, in: 65, out: 70, kh: 3, kw: 3, same: true}, // shared
		{images: 3, height: 17, width: 17, in: 128, out: 160, kh: 1, kw: 7, same: true},
		{images: 3, height: 17, width: 19, in: 129, out: 130, kh: 7, kw: 1, same: true},
		{images: 4, height: 17, width: 17, in: 150, out: 160, kh: 1, kw: 3},
		{images: 6, height: 24, width: 24, in: 50, out: 60, kh: 3, kw: 1, same: true},
	} {
		var configs []string
		for threads := 1; threads <= 5; threads += 2 {
			configs = append(configs, fmt.Sprintf("threads=%d", threads))
		}
		for _, isa := range kernel.Available() {
			configs = append(configs, "threads=2,isa="+string(isa))
		}
		_, want := c.gradient(t, "winograd=off", 1)
		for _, config := range configs {
			algorithm, got := c.gradient(t, config, 2)
			if wantAlgorithm := fmt.Sprintf("gradient WinogradF32_%dx%d", c.kh, c.kw); algorithm != wantAlgorithm {
				t.Errorf("%s, %+v: computed by %s, want %s", config, c, algorithm, wantAlgorithm)
			}
			// Three times the most that was measured.
			e := distance(got[0], want[0])
			t.Logf("%s, %+v: relative L2 difference %.2g", config, c, e)
			if !(e < 1e-5) {
				t.Errorf("%s, %+v: relative L2 difference %g", config, c, e)
			}
			if !slices.Equal(got[0], got[1]) {
				t.Errorf("%s, %+v: two runs differ", config, c)
			}
		}
	}
}
