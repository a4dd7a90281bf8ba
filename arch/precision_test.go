package arch_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
)

// elsewhere is a backend that is not in this process.
type elsewhere struct{ compute.Backend }

func (elsewhere) Name() string { return "elsewhere" }

// TestConvolutionsOfBFloat16 counts the convolutions that are of type bfloat16: on a device
// all but the first, whose input is the images, and in training their gradients too; in this
// process, whose engine sums in float32, none.
func TestConvolutionsOfBFloat16(t *testing.T) {
	here := cpubackend.New(t)
	for _, name := range arch.Names() {
		network, err := arch.New(name, arch.Options{Width: 0.125, Precision: arch.BFloat16})
		if err != nil {
			t.Fatal(err)
		}
		parameters, err := network.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		weights := 0
		for _, p := range parameters {
			if len(p.Shape) == 4 {
				weights++
			}
		}
		for _, onDevice := range []bool{false, true} {
			backend := here
			if onDevice {
				backend = elsewhere{here}
			}
			for _, training := range []bool{false, true} {
				store := model.NewStore()
				var all, mixed int
				err := exceptions.TryCatch[error](func() {
					g := graph.NewGraph(backend, name)
					store.SetTraining(g, training)
					logits := network.Graph(store.RootScope(), graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 2, 139, 139, 3))).Logits
					if training {
						var trained []*graph.Node
						for v := range store.IterVariables() {
							if v.Trainable {
								trained = append(trained, v.NodeValue(g))
							}
						}
						for i, gradient := range graph.Gradient(graph.ReduceAllSum(logits), trained...) {
							if !gradient.Shape().Equal(trained[i].Shape()) {
								t.Errorf("%s: a gradient of %s is %s", name, trained[i].Shape(), gradient.Shape())
							}
						}
					}
					for _, n := range g.Nodes() {
						if n.Type() == graph.NodeTypeConvGeneral {
							all++
							if n.DType() == dtypes.BFloat16 {
								mixed++
							}
						}
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				want, wantAll := weights-1, weights
				if training { // with their gradients, by weights and by what comes in
					want, wantAll = 3*(weights-1), 3*weights
				}
				if !onDevice {
					want = 0
				}
				if mixed != want || all != wantAll {
					t.Errorf("%s on %s, training %t: %d of %d convolutions are of bfloat16, want %d of %d", name, backend.Name(), training, mixed, all, want, wantAll)
				}
				store.Finalize()
			}
		}
	}
}
