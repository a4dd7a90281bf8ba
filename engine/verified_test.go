package engine

import (
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train"
)

// TestPlansVerified checks the plans of all networks, for inference and for training, after
// each pass.
func TestPlansVerified(t *testing.T) {
	compiled, err := New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	defer compiled.Finalize()
	backend := compiled.(*Backend)
	verified := 0
	backend.build = func(p *plan.Plan) error {
		verified++
		return plan.BuildVerified(p)
	}
	for _, name := range arch.Names() {
		for _, precision := range arch.Precisions() {
			network, err := arch.New(name, arch.Options{Width: 0.125, Blocks: []int{1, 1, 1}, Classes: 5, Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			parameters, err := network.Parameters()
			if err != nil {
				t.Fatal(err)
			}
			store, err := golden.Store("", parameters)
			if err != nil {
				t.Fatal(err)
			}
			store.WithVariableAsConst(true)
			g := graph.NewGraph(backend, name)
			images := graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 1, 107, 107, 3))
			if err := g.Compile(network.Graph(store.RootScope(), images).Logits); err != nil {
				t.Errorf("%s in %s: %v", name, precision, err)
			}
		}
		for _, recompute := range []bool{false, true} {
			r := recipe.Training{
				Network: name, Width: 0.125, Blocks: []int{1, 1, 1}, Size: 107, Batch: 2, Seed: 1, Recompute: recompute,
				AuxiliaryHead: name != "inception_resnet_v1" && name != "inception_resnet_v2_paper", AuxiliaryWeight: 0.4,
				Optimizer:    recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
				LearningRate: recipe.LearningRate{Initial: 0.01},
				ClipNorm:     1, WeightDecay: 4e-5, LabelSmoothing: 0.1, AverageDecay: 0.99,
			}
			program, err := train.NewProgram(backend, r, 7)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := program.Step(0, make([]float32, r.Batch*r.Size*r.Size*3), []int32{3, 5}, nil); err != nil {
				t.Errorf("%s, recompute %t: %v", name, recompute, err)
			}
			program.Close()
		}
	}
	if want := (2 + len(arch.Precisions())) * len(arch.Names()); verified < want {
		t.Errorf("%d plans were verified, want at least %d", verified, want)
	}
}
