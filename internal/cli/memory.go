package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

const leastPercent = 3 // of garbage, at which collecting takes little time beside a step of training

// collectOften keeps garbage a small share of memory that is mostly parameters and
// activations, unless GOGC says otherwise.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(leastPercent)
	}
}

// collectForSteps is collectOften when all that stays has been allocated: small networks,
// with many short steps, are left some garbage.
func collectForSteps() {
	const garbage = 32 << 20 // bytes
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if os.Getenv("GOGC") == "" && live[0].Value.Kind() == metrics.KindUint64 {
		debug.SetGCPercent(int(min(100, max(leastPercent, 100*garbage/max(1, live[0].Value.Uint64())))))
	}
}
