package cli

import (
	"os"
	"runtime/debug"
)

// collectOften keeps garbage a small share of memory that is mostly parameters and
// activations, unless GOGC says otherwise.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(3)
	}
}
