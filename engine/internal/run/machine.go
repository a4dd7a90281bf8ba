package run

import (
	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A Machine is what programs run on.
type Machine struct {
	Kernels *kernel.Set
	// Winograd is whether Winograd's algorithm may be used. Without it what is asked for is
	// little rounding.
	Winograd bool
	// Release is whether memory that compiling a program leaves is given back to the system
	// (debug.FreeOSMemory) before weights are packed and before the memory of a run is made.
	Release bool
	// Delegate is the go backend, which has the buffers, and runs what has no kernels here.
	Delegate compute.Backend
	*Workers
	shelf   *shelf   // the packed weights of all programs
	streams *streams // nil for one
	total   int      // threads of all streams
}

// Mixed reports whether products of bfloat16 are faster than those of float32.
func (m *Machine) Mixed() bool { return m.Kernels.GemmBF16 != nil && m.Kernels.GemmBF16.Faster }

// MixedTraining is Mixed of weights that are trained, whose products are summed in float64
// where little rounding is asked for.
func (m *Machine) MixedTraining() bool { return m.Mixed() && m.Winograd }

// MixedGradients is MixedTraining of gradients.
func (m *Machine) MixedGradients() bool { return m.MixedTraining() && m.Kernels.GradientBF16 != nil }

// Caches is how many bytes of pixels the level-2 caches of all threads may take.
func (m *Machine) Caches() int { return m.Threads * tuning.ThreadCache }
