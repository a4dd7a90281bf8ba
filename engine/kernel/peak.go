package kernel

import "time"

// A loop does multiply-adds, so many floating-point operations in each of n turns.
type loop struct {
	run        func(n int)
	operations float64
}

// PeakF32 measures, for at least the given time, how many GFLOP/s of float32 multiply-adds
// one core does at most: the best of runs of at least 40 million operations.
func (s *Set) PeakF32(duration time.Duration) float64 { return s.multiplyAdd.peak(duration) }

// PeakBF16 is PeakF32 of multiply-adds of bfloat16. It is for sets that have GemmBF16.
func (s *Set) PeakBF16(duration time.Duration) float64 { return s.multiplyAddBF16.peak(duration) }

// PeakI8 is PeakF32 of multiply-adds of 8-bit integers, in GOP/s, as the tiles of GemmI8 do
// them.
func (s *Set) PeakI8(duration time.Duration) float64 { return s.multiplyAddI8.peak(duration) }

// A loading loop loads n times a block of floats.
type loading struct {
	run   func(x *float32, n int)
	block int
}

// LoadBandwidth measures, for at least the given time, how many bytes a second one core
// loads at most from memory of so many bytes, again and again: the least of the loads' own
// caches that has room for it.
func (s *Set) LoadBandwidth(bytes int, duration time.Duration) float64 {
	l := s.loads
	blocks := max(1, bytes/(4*l.block))
	x := make([]float32, blocks*l.block)
	for i := range x {
		x[i] = 1 // so that there is memory
	}
	turns := max(1, 1<<20/(4*len(x))) // of at least a megabyte
	best := 0.0
	for start := time.Now(); best == 0 || time.Since(start) < duration; {
		begin := time.Now()
		for range turns {
			l.run(&x[0], blocks)
		}
		best = max(best, float64(turns*4*len(x))/time.Since(begin).Seconds())
	}
	return best
}

func (l loop) peak(duration time.Duration) float64 {
	const calls, operations = 20, 2e6
	turns := max(int(operations/l.operations), 1000) // before which tiles are configured
	best := 0.0
	for start := time.Now(); best == 0 || time.Since(start) < duration; {
		begin := time.Now()
		for range calls {
			l.run(turns)
		}
		best = max(best, float64(calls*turns)*l.operations/float64(time.Since(begin).Nanoseconds()))
	}
	return best
}
