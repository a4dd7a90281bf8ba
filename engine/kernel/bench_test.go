package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// measure runs a kernel and reports its best GFLOP/s and, as the median over pairs of a
// run and a measurement of the peak beside it, the share of the peak: other processes
// and the clock then touch both alike. operations are those of one run.
func measure(b *testing.B, set *Set, operations float64, run func()) {
	measureShare(b, func() float64 { return set.PeakF32(time.Nanosecond) }, operations, run)
}

// measureShare is measure with a peak of its own.
func measureShare(b *testing.B, measurePeak func() float64, operations float64, run func()) {
	best := 0.0
	var shares []float64
	for b.Loop() {
		peak := measurePeak()
		begin := time.Now()
		run()
		rate := operations / float64(time.Since(begin).Nanoseconds())
		best = max(best, rate)
		shares = append(shares, 100*rate/peak)
	}
	slices.Sort(shares)
	b.ReportMetric(best, "GFLOP/s")
	b.ReportMetric(shares[len(shares)/2], "%peak")
	b.ReportMetric(0, "ns/op")
}

func eachSetBenchmark(b *testing.B, run func(b *testing.B, set *Set)) {
	for _, isa := range Available() {
		set, err := For(isa)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(isa), func(b *testing.B) { run(b, set) })
	}
}

func random(n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = rand.Float32() - 0.5
	}
	return s
}

// benchmarkPointwise runs a 1x1 convolution of size x size pixels.
func benchmarkPointwise(b *testing.B, set *Set, g *GemmF32, size, k, n, pitch int) {
	m := size * size
	p := &ProductF32{
		M: m, N: n, K: k, A: random(m * pitch), LDA: pitch,
		B: g.Pack(random(k*n), 1, k, n, n), C: make([]float32, m*n), LDC: n,
		Bias: random(n), ReLU: true,
	}
	measure(b, set, 2*float64(m*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
}

func BenchmarkPointwise35x35x384To96(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) { benchmarkPointwise(b, set, set.Gemm, 35, 384, 96, 400) })
}

func BenchmarkPointwise17x17x1024To384(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) { benchmarkPointwise(b, set, set.Gemm, 17, 1024, 384, 1040) })
}

func BenchmarkPointwiseWide17x17x1024To384(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) { benchmarkPointwise(b, set, set.GemmWide, 17, 1024, 384, 1040) })
}

// taps lists, for a convolution of stride 1 that keeps the size, the pixel under each
// tap of each output pixel, -1 outside.
func taps(h, w, kh, kw int) []int32 {
	var rows []int32
	for dy := range kh {
		for dx := range kw {
			for y := range h {
				for x := range w {
					at := int32(-1)
					if iy, ix := y+dy-kh/2, x+dx-kw/2; iy >= 0 && iy < h && ix >= 0 && ix < w {
						at = int32(iy*w + ix)
					}
					rows = append(rows, at)
				}
			}
		}
	}
	return rows
}

func benchmarkDirect(b *testing.B, size, kh, kw, k, n int) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) { benchmarkDirectOf(b, set, size, kh, kw, k, n) })
}

func benchmarkDirectOf(b *testing.B, set *Set, size, kh, kw, k, n int) {
	g, m, pitch := set.Gemm, size*size, k+16
	p := &ProductF32{
		M: m, N: n, K: k, A: random(m * pitch), LDA: pitch,
		Rows: taps(size, size, kh, kw), Taps: kh * kw, Stride: m, Zero: make([]float32, k),
		B: g.Pack(random(kh*kw*k*n), kh*kw, k, n, n), C: make([]float32, m*n), LDC: n,
		Bias: random(n), ReLU: true,
	}
	measure(b, set, 2*float64(m*kh*kw*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
}

func BenchmarkDirect17x17Conv1x7x224To256(b *testing.B) { benchmarkDirect(b, 17, 1, 7, 224, 256) }
func BenchmarkDirect17x17Conv7x1x224To256(b *testing.B) { benchmarkDirect(b, 17, 7, 1, 224, 256) }
func BenchmarkDirect35x35Conv3x3x96To96(b *testing.B)   { benchmarkDirect(b, 35, 3, 3, 96, 96) }

func benchmarkWinograd(b *testing.B, size, kh, kw, k, n int) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		w, m, pitch := set.Winograd(kh, kw), size*size, k+16
		p := &ConvolutionF32{
			Grid: gridOf(&w.Winograd, 1, Square(size), Pair{kh / 2, kw / 2}, Square(size)), K: k, N: n,
			X: random(m * pitch), Pitch: pitch, Zero: make([]float32, k),
			B: w.Pack(random(kh*kw*k*n), k, n),
			Y: make([]float32, m*n), PitchY: n, Bias: random(n), ReLU: true,
		}
		scratch := make([]float32, w.Scratch(k, n, p.Grid.Tiles))
		measure(b, set, 2*float64(m*kh*kw*k*n), func() { w.Run(p, 0, p.Grid.Tiles, scratch) })
	})
}

func BenchmarkWinograd17x17Conv1x7x224To256(b *testing.B) { benchmarkWinograd(b, 17, 1, 7, 224, 256) }
func BenchmarkWinograd17x17Conv7x1x224To256(b *testing.B) { benchmarkWinograd(b, 17, 7, 1, 224, 256) }
func BenchmarkWinograd35x35Conv3x3x96To96(b *testing.B)   { benchmarkWinograd(b, 35, 3, 3, 96, 96) }
func BenchmarkWinograd8x8Conv1x3x384To256(b *testing.B)   { benchmarkWinograd(b, 8, 1, 3, 384, 256) }
