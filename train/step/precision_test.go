package step

import (
	"math"
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
)

// TestBFloat16 compares some steps in bfloat16 with those in float32.
func TestBFloat16(t *testing.T) { testBFloat16(t, cpubackend.New(t)) }

// testBFloat16 expects the loss of the first step to be near float32's, and that training
// goes on as it does. The batch norm of six images amplifies what is rounded, so that
// gradients are not as near.
func testBFloat16(t *testing.T, backend compute.Backend) {
	exact := smallRecipe()
	exact.DropoutKeep = 1
	mixed := exact
	mixed.Precision = string(arch.BFloat16)
	images, labels := pictures(exact.Batch)
	want, got := newStep(t, cpubackend.New(t), exact, Options{}), newStep(t, backend, mixed, Options{CheckGradients: true})
	const steps = 8
	var losses, exactLosses [steps]float64
	for step := range steps {
		w, err := want.Apply(step, images, labels, 0.02, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		g, err := got.Apply(step, images, labels, 0.02, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if g.NotFinite != "" || !(g.GradientNorm > 0) {
			t.Errorf("step %d: the gradient is of L2 %g, and that of %q is not finite", step, g.GradientNorm, g.NotFinite)
		}
		losses[step], exactLosses[step] = g.Loss, w.Loss
	}
	t.Logf("losses %.4f, in float32 %.4f", losses, exactLosses)
	if difference := math.Abs(losses[0]-exactLosses[0]) / exactLosses[0]; !(difference > 1e-4 && difference < 0.02) {
		t.Errorf("the first loss is %g, in float32 %g", losses[0], exactLosses[0])
	}
	if last := losses[steps-1]; !(last < 0.5*losses[0]) {
		t.Errorf("the loss goes from %g to %g, in float32 to %g", losses[0], last, exactLosses[steps-1])
	}
}
