package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// TestImagesApart compares what is computed for some images after the others with the go backend's
// results: where all images are as many each time, and where the last are so few that another
// algorithm is chosen for them, which has other packed weights.
func TestImagesApart(t *testing.T) {
	theirs, err := gobackend.New("")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	run := func(backend compute.Backend, images int) []float32 {
		g := graph.NewGraph(backend, "apart")
		r := rand.New(rand.NewPCG(1, 2))
		y := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, images, 64, 64, 32))
		for range 2 {
			weights := make([]float32, 3*3*32*32)
			for i := range weights {
				weights[i] = float32(r.NormFloat64() / math.Sqrt(3*3*32))
			}
			w := graph.Reshape(graph.Const(g, weights), 3, 3, 32, 32)
			y = graph.MaxScalar(graph.Convolve(y, w).PadSame().Done(), 0)
		}
		if err := g.Compile(y); err != nil {
			t.Fatal(err)
		}
		outputs, _ := outputsOfRandom(t, backend, g)
		return outputs[0]
	}
	want := run(theirs, 25)
	const image = 64 * 64 * 32
	for _, images := range []int{24, 25} {
		for _, threads := range []int{1, 2, 24} {
			got := run(newBackend(t, fmt.Sprintf("threads=%d", threads)), images)
			for i := range images {
				if e := distance(got[i*image:][:image], slices.Clone(want[i*image:][:image])); !(e < 1e-5) {
					t.Errorf("%d threads: relative L2 difference %g of image %d of %d", threads, e, i, images)
				}
			}
		}
	}
}
