package kernel

import (
	"testing"
	"time"
)

// eachBF16Benchmark runs with the products of bfloat16 of every set that has them, and with
// those of float32 beside them.
func eachBF16Benchmark(b *testing.B, f32, bf16 func(b *testing.B, set *Set)) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		if set.GemmBF16 == nil {
			b.Skipf("%s of this machine has no instructions on bfloat16", set.ISA)
		}
		b.Run("float32", func(b *testing.B) { f32(b, set) })
		b.Run("bfloat16", func(b *testing.B) { bf16(b, set) })
	})
}

func randomBF16(n int) []uint16 {
	s := make([]uint16, n)
	for i, v := range random(n) {
		s[i] = ToBF16(v)
	}
	return s
}

func packedBF16(g *GemmBF16, taps, k, n int) []uint16 {
	packed := make([]uint16, g.PackedSize(taps, k, n))
	g.PackInto(packed, random(taps*k*n), taps, k, n, n, nil)
	return packed
}

func peakBF16(set *Set) float64 { return set.PeakBF16(time.Nanosecond) }

func benchmarkPointwiseBF16(b *testing.B, size, k, n int) {
	m, pitch := size*size, k+32
	eachBF16Benchmark(b,
		func(b *testing.B, set *Set) { benchmarkPointwise(b, set, set.Gemm, size, k, n, k+16) },
		func(b *testing.B, set *Set) {
			g := set.GemmBF16
			p := &ProductBF16{
				M: m, N: n, K: k, A: randomBF16(m * pitch), LDA: pitch,
				Scratch: make([]byte, g.Scratch(nil, k)),
				B:       packedBF16(g, 1, k, n), C: make([]uint16, m*n), LDC: n, Bias: random(n), ReLU: true,
			}
			measureShare(b, func() float64 { return peakBF16(set) }, 2*float64(m*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
		})
}

func BenchmarkBF16Pointwise35x35x64To96(b *testing.B)    { benchmarkPointwiseBF16(b, 35, 64, 96) }
func BenchmarkBF16Pointwise35x35x384To96(b *testing.B)   { benchmarkPointwiseBF16(b, 35, 384, 96) }
func BenchmarkBF16Pointwise17x17x256To384(b *testing.B)  { benchmarkPointwiseBF16(b, 17, 256, 384) }
func BenchmarkBF16Pointwise17x17x512To384(b *testing.B)  { benchmarkPointwiseBF16(b, 17, 512, 384) }
func BenchmarkBF16Pointwise17x17x1024To384(b *testing.B) { benchmarkPointwiseBF16(b, 17, 1024, 384) }
func BenchmarkBF16Pointwise8x8x2048To256(b *testing.B)   { benchmarkPointwiseBF16(b, 8, 2048, 256) }

// walkOf is the walk over an image under a window that keeps its size, nil where none is needed.
func walkOf(needed bool, size, kh, kw int) *Walk {
	if !needed {
		return nil
	}
	window := Sliding(Pair{kh, kw})
	window.Padding = Pair{kh / 2, kw / 2}
	return NewWalk(Geometry{Window: window, Images: 1, In: Square(size), Out: Square(size)})
}

func benchmarkDirectBF16(b *testing.B, size, kh, kw, k, n int) {
	m, pitch := size*size, k+32
	eachBF16Benchmark(b,
		func(b *testing.B, set *Set) { benchmarkDirectOf(b, set, size, kh, kw, k, n) },
		func(b *testing.B, set *Set) {
			g := set.GemmBF16
			p := &ProductBF16{
				M: m, N: n, K: k, A: randomBF16(m * pitch), LDA: pitch,
				Rows: taps(size, size, kh, kw), Taps: kh * kw, Stride: m, Zero: make([]uint16, k),
				Walk: walkOf(g.Blocks(), size, kh, kw),
				B:    packedBF16(g, kh*kw, k, n), C: make([]uint16, m*n), LDC: n, Bias: random(n), ReLU: true,
			}
			p.Scratch = make([]byte, g.Scratch(p.Walk, k))
			measureShare(b, func() float64 { return peakBF16(set) }, 2*float64(m*kh*kw*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
		})
}

func BenchmarkBF16Direct147x147Conv3x3x32To32(b *testing.B) {
	benchmarkDirectBF16(b, 147, 3, 3, 32, 32)
}
func BenchmarkBF16Direct147x147Conv3x3x32To64(b *testing.B) {
	benchmarkDirectBF16(b, 147, 3, 3, 32, 64)
}
func BenchmarkBF16Direct35x35Conv3x3x96To96(b *testing.B) { benchmarkDirectBF16(b, 35, 3, 3, 96, 96) }
func BenchmarkBF16Direct17x17Conv1x7x224To256(b *testing.B) {
	benchmarkDirectBF16(b, 17, 1, 7, 224, 256)
}
func BenchmarkBF16Direct8x8Conv1x3x384To256(b *testing.B) { benchmarkDirectBF16(b, 8, 1, 3, 384, 256) }

// benchmarkPool pools 35x35 pixels of 384 channels by 3x3, of a type, and
// reports how many values of the input it reads in a second.
func benchmarkPool[T float32 | uint16 | uint8](b *testing.B, set *Set, of poolingType[T], weights bool) {
	const channels = 384
	w := windowsOf([11]int{1, 35, 35, 17, 17, 3, 3, 2, 2, 0, 0})
	p := &Pooling[T]{Windows: w, Channels: channels, X: make([]T, 35*35*channels), Pitch: channels, Y: make([]T, w.Outputs()*channels), PitchY: channels}
	if weights {
		p.Weights = make([]float32, w.Outputs())
	}
	best := time.Duration(1 << 62)
	for b.Loop() {
		begin := time.Now()
		of.pool(set, p, 0, w.Outputs())
		best = min(best, time.Since(begin))
	}
	b.ReportMetric(float64(len(w.pixels)*channels)/float64(best.Nanoseconds()), "values/ns")
}

func BenchmarkPool35x35x384(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		b.Run("max/float32", func(b *testing.B) { benchmarkPool(b, set, poolingF32, false) })
		b.Run("max/bfloat16", func(b *testing.B) { benchmarkPool(b, set, poolingBF16, false) })
		b.Run("sum/float32", func(b *testing.B) { benchmarkPool(b, set, poolingF32, true) })
		b.Run("sum/bfloat16", func(b *testing.B) { benchmarkPool(b, set, poolingBF16, true) })
		b.Run("max/int8", func(b *testing.B) { benchmarkPool(b, set, poolingU8, false) })
		b.Run("sum/int8", func(b *testing.B) { benchmarkPool(b, set, poolingU8, true) })
	})
}

// BenchmarkConvertBF16 converts 64 Ki values, which stay in a level-2 cache, there and back.
func BenchmarkConvertBF16(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		f32, bf16 := random(1<<16), randomBF16(1<<16)
		b.Run("to", func(b *testing.B) {
			b.SetBytes(6 << 16)
			for b.Loop() {
				set.ConvertToBF16(bf16, f32)
			}
		})
		b.Run("from", func(b *testing.B) {
			b.SetBytes(6 << 16)
			for b.Loop() {
				set.ConvertFromBF16(f32, bf16)
			}
		})
	})
}
