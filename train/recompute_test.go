package train

import "testing"

// TestRecompute compares steps that compute parts of the network twice with plain ones.
func TestRecompute(t *testing.T) {
	backend := newBackend(t)
	plain := smallRecipe("")
	again := plain
	again.Recompute = true
	a, b := newTestStepper(t, backend, plain), newTestStepper(t, backend, again)
	images, labels := pictures(4)
	for i := range 3 {
		want, err := a.step(i, images, labels, 0.01, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.step(i, images, labels, 0.01, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		if got.loss != want.loss || got.norm != want.norm {
			t.Errorf("step %d has the loss %g and the gradient %g, want %g and %g", i+1, got.loss, got.norm, want.loss, want.norm)
		}
	}
}
