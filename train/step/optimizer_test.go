package step

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// TestOptimizers follows one parameter over three steps with the gradients 2, -1, 0.5
// and a learning rate of 0.1, worked out by hand from the formulas of
// tf.train.RMSPropOptimizer and tf.train.MomentumOptimizer.
func TestOptimizers(t *testing.T) {
	backend := cpubackend.New(t)
	gradients := []float64{2, -1, 0.5}
	for _, c := range []struct {
		name      string
		optimizer recipe.Optimizer
		want      []float64 // what is subtracted
	}{
		{
			// ms: 1.3, 1.27, 1.168; 0.1 g / sqrt(ms+1): 0.131876, -0.0663723, 0.0339573.
			"rmsprop", recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
			[]float64{0.131876, 0.0523161, 0.0810418},
		},
		{
			// m: 2, 0.8, 1.22.
			"sgd", recipe.Optimizer{SGD: &recipe.SGD{Momentum: 0.9}},
			[]float64{0.2, 0.08, 0.122},
		},
		{"sgd without momentum", recipe.Optimizer{SGD: &recipe.SGD{}}, []float64{0.2, -0.1, 0.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := optimizerOf(c.optimizer)
			exec, err := graph.NewExec(backend, func(inputs []*graph.Node) []*graph.Node {
				update, slots := o.update(inputs[0], inputs[1], inputs[2:])
				return append([]*graph.Node{update}, slots...)
			})
			if err != nil {
				t.Fatal(err)
			}
			var slots []*tensors.Tensor
			for _, s := range o.slots() {
				slots = append(slots, tensors.FromFlatDataAndDimensions([]float32{s.initial}, 1))
			}
			for i, g := range gradients {
				args := []any{[]float32{float32(g)}, []float32{0.1}}
				for _, s := range slots {
					args = append(args, s)
				}
				results, err := exec.Call(args...)
				if err != nil {
					t.Fatal(err)
				}
				got := tensors.MustCopyFlatData[float32](results[0])[0]
				if math.Abs(float64(got)-c.want[i]) > 2e-6 {
					t.Errorf("step %d subtracts %g, want %g", i+1, got, c.want[i])
				}
				slots = results[1:]
			}
		})
	}
}
