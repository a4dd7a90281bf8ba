package train

import (
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// newTestStepper returns a stepper for three classes with random values.
func newTestStepper(t testing.TB, backend compute.Backend, r recipe.Training) *stepper {
	t.Helper()
	r = r.Resolved()
	from, err := newOrigin(r, []string{"a", "b", "c"}, discard())
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStepper(backend, from.network, r, from.parameters, from.values, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}
