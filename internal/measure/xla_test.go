//go:build xla

package measure

import (
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/xlabackend"
)

// TestSpeedXLA classifies and trains where parameters are arguments.
func TestSpeedXLA(t *testing.T) {
	n := narrowOn(t, xlabackend.New(t))
	for _, train := range []bool{false, true} {
		s, err := n.Speed(t.Context(), Options{Batch: 2, Runs: 3, Train: train})
		if err != nil {
			t.Fatal(err)
		}
		if s.ImagesPerSecond <= 0 || s.CompileMS <= 0 {
			t.Errorf("the speed is %+v", s)
		}
	}
}
