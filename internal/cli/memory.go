package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

// collectOften keeps garbage a small share of memory that is mostly parameters and
// activations, unless GOGC says otherwise.
func collectOften() {
	const percent = 3
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// collectForSteps leaves some garbage when all that stays has been allocated: as much for
// every network, since it is the small ones that make many short steps.
func collectForSteps() {
	const garbage = 32 << 20 // bytes
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if os.Getenv("GOGC") == "" && live[0].Value.Kind() == metrics.KindUint64 {
		debug.SetGCPercent(int(min(100, max(1, 100*garbage/max(1, live[0].Value.Uint64())))))
	}
}
