package device

import (
	"slices"

	"github.com/gomlx/compute"
)

// inProcess are the names of the backends that are Go code of this process: this project's,
// and GoMLX's, which is registered as "go".
var inProcess = []string{"cpu", "Go Backend"}

// InProcess reports whether a backend computes in this process, on values where they lie.
// Then a constant costs nothing, and can be folded and packed once; and what is donated to
// a run is taken over.
//
// All others are given a program as text, and values in the memory of a device. Millions
// of parameters would make that text long and its compilation slow, so these are arguments.
// And they leave alone what is donated: XLA takes over only what a program names an output
// for, and GoMLX's programs name none.
func InProcess(b compute.Backend) bool {
	return b.Capabilities().PreferConstantsForVariables || slices.Contains(inProcess, b.Name())
}
