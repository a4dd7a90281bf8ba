package run

import (
	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A Machine is what programs run on.
type Machine struct {
	Kernels *kernel.Set
	// Winograd is whether Winograd's algorithm may be used. Without it what is asked for is
	// little rounding.
	Winograd bool
	// Release is whether memory that compiling a program leaves is given back to the system
	// before the program's first run (debug.FreeOSMemory).
	Release bool
	// Delegate is the go backend, which has the buffers, and runs what has no kernels here.
	Delegate compute.Backend
	*Workers
}
