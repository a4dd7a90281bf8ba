package step

import (
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
)

// TestRecompute compares steps that compute parts of the network twice with plain ones.
func TestRecompute(t *testing.T) {
	backend := cpubackend.New(t)
	plain := smallRecipe()
	again := plain
	again.Recompute = true
	a, b := newStep(t, backend, plain, Options{}), newStep(t, backend, again, Options{})
	images, labels := pictures(4)
	for i := range 3 {
		want, err := a.Apply(i, images, labels, 0.01, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Apply(i, images, labels, 0.01, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		if got.Loss != want.Loss || got.GradientNorm != want.GradientNorm {
			t.Errorf("step %d has the loss %g and the gradient %g, want %g and %g", i+1, got.Loss, got.GradientNorm, want.Loss, want.GradientNorm)
		}
	}
}
