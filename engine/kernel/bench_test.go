package kernel

import (
	"math/rand/v2"
	"testing"
	"time"
)

// gflops reports a benchmark's GFLOP/s and its share of the measured peak, given the
// floating-point operations of one turn.
func gflops(b *testing.B, set *Set, operations float64) {
	rate := operations * float64(b.N) / float64(b.Elapsed().Nanoseconds())
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(100*rate/set.PeakF32(50*time.Millisecond), "%peak")
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

func BenchmarkPeak(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		for b.Loop() {
			set.multiplyAdd(1000)
		}
		gflops(b, set, 1000*set.operations)
	})
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
	for b.Loop() {
		g.Run(p, 0, m, 0, g.Panels(n))
	}
	gflops(b, set, 2*float64(m*k*n))
}

func BenchmarkPointwise35x35x384To96(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) { benchmarkPointwise(b, set, set.Gemm, 35, 384, 96, 400) })
}

func BenchmarkPointwise17x17x1024To384(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) { benchmarkPointwise(b, set, set.Gemm, 17, 1024, 384, 1040) })
}

func BenchmarkPointwiseAliased17x17x1024To384(b *testing.B) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		for _, g := range []*GemmF32{set.Gemm, set.GemmAliased} {
			b.Run(g.Name, func(b *testing.B) { benchmarkPointwise(b, set, g, 17, 1024, 384, 1024) })
		}
	})
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
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		g, m, pitch := set.Gemm, size*size, k+16
		p := &ProductF32{
			M: m, N: n, K: k, A: random(m * pitch), LDA: pitch,
			Rows: taps(size, size, kh, kw), Taps: kh * kw, Stride: m, Zero: make([]float32, k),
			B: g.Pack(random(kh*kw*k*n), kh*kw, k, n, n), C: make([]float32, m*n), LDC: n,
			Bias: random(n), ReLU: true,
		}
		for b.Loop() {
			g.Run(p, 0, m, 0, g.Panels(n))
		}
		gflops(b, set, 2*float64(m*kh*kw*k*n))
	})
}

func BenchmarkDirect17x17Conv1x7x224To256(b *testing.B) { benchmarkDirect(b, 17, 1, 7, 224, 256) }
func BenchmarkDirect17x17Conv7x1x224To256(b *testing.B) { benchmarkDirect(b, 17, 7, 1, 224, 256) }
func BenchmarkDirect35x35Conv3x3x96To96(b *testing.B)   { benchmarkDirect(b, 35, 3, 3, 96, 96) }
