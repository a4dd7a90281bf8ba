package kernel

import "time"

// PeakF32 measures, for at least the given time, how many GFLOP/s of float32 multiply-adds
// one core does at most: the best of runs of 40 million operations.
func (s *Set) PeakF32(duration time.Duration) float64 {
	const calls, operations = 20, 2e6
	turns := int(operations / s.operations)
	best := 0.0
	for start := time.Now(); best == 0 || time.Since(start) < duration; {
		begin := time.Now()
		for range calls {
			s.multiplyAdd(turns)
		}
		best = max(best, float64(calls*turns)*s.operations/float64(time.Since(begin).Nanoseconds()))
	}
	return best
}
