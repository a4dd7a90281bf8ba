package measure

import (
	"os"
	"strconv"
	"strings"
)

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
