package kernel

import "time"

// PeakF32 measures, for about the given time, how many GFLOP/s of float32 multiply-adds
// one core does at most: the best of runs of about a millisecond.
func (s *Set) PeakF32(duration time.Duration) float64 {
	const calls, operations = 10, 1e7
	turns := int(operations / s.operations)
	best := 0.0
	for start := time.Now(); time.Since(start) < duration; {
		begin := time.Now()
		for range calls {
			s.multiplyAdd(turns)
		}
		best = max(best, float64(calls*turns)*s.operations/float64(time.Since(begin).Nanoseconds()))
	}
	return best
}
