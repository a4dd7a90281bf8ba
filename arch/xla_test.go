//go:build xla

package arch_test

import (
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/xlabackend"
)

func TestGoldenEvaluationXLA(t *testing.T) {
	backend := xlabackend.New(t)
	for _, name := range arch.Names() {
		t.Run(name, func(t *testing.T) {
			file, err := golden.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			evaluate(t, file, backend, directTolerance)
		})
	}
}

// TestGoldenTrainingXLA has the bound of Winograd's algorithm: on a CPU the gradients are
// about six times as far from the reference as the engine's without it, the first layers',
// whose sums are the longest, most of all.
func TestGoldenTrainingXLA(t *testing.T) {
	backend := xlabackend.New(t)
	for _, name := range arch.Names() {
		t.Run(name, func(t *testing.T) { testGoldenTraining(t, backend, name, roundsMore) })
	}
}
