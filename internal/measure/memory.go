package measure

import (
	"os"
	"strconv"
	"strings"
)

// resetPeakRSS lets peakRSS be the most from now on, where the system can (proc(5),
// clear_refs).
func resetPeakRSS() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak is only too large without
}

// peakRSS is the most memory that the process has held, in bytes; 0 where the
// system does not tell.
func peakRSS() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return 1024 * kB
		}
	}
	return 0
}
