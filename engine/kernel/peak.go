package kernel

import "time"

// PeakF32 measures, for about the given time, how many GFLOP/s of float32 multiply-adds
// one core does at most: the best of runs of a tenth of a millisecond.
func (s *Set) PeakF32(duration time.Duration) float64 {
	const turns = 10000
	best := 0.0
	for start := time.Now(); time.Since(start) < duration; {
		begin := time.Now()
		s.multiplyAdd(turns)
		best = max(best, turns*s.operations/float64(time.Since(begin).Nanoseconds()))
	}
	return best
}
