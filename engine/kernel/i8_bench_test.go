package kernel

import (
	"math/rand/v2"
	"testing"
	"time"
)

func randomU8(n int) []uint8 {
	r := rand.New(rand.NewPCG(1, 2))
	s := make([]uint8, n)
	for i := range s {
		s[i] = uint8(r.IntN(256))
	}
	return s
}

// packedI8 are weights as quantised ones of He's initialisation are: the largest is 3.3 times the
// standard deviation.
func packedI8(g *GemmI8, taps, k, n int) ([]int8, *MoreI8) {
	weights, packed := make([]int8, taps*k*n), make([]int8, g.PackedSize(taps, k, n))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range weights {
		weights[i] = int8(min(max(r.NormFloat64()*127/3.3, -127), 127))
	}
	more := g.PackInto(packed, weights, taps, k, n)
	return packed, more
}

func peakI8(set *Set) float64 { return set.PeakI8(time.Nanosecond) }

// productI8 is a product of pixels, at a distance as in a network, whose result is integers.
func productI8(g *GemmI8, m, taps, k, n int, walk *Walk) *ProductI8 {
	pitch := k + 64
	b, more := packedI8(g, taps, k, n)
	p := &ProductI8{
		M: m, N: n, K: k, A: randomU8(m * pitch), LDA: pitch,
		B: b, More: more, C: make([]uint8, m*n), LDC: n,
		Walk:    walk,
		Scratch: make([]byte, g.Scratch(walk, k)),
		Scale:   random(g.Panels(n) * g.NR), Bias: random(g.Panels(n) * g.NR),
	}
	for j := range p.Scale {
		p.Scale[j] = 1e-4
	}
	return p
}

func benchmarkPointwiseI8(b *testing.B, size, k, n int) {
	m := size * size
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		b.Run("float32", func(b *testing.B) { benchmarkPointwise(b, set, set.Gemm, size, k, n, k+16) })
		b.Run("int8", func(b *testing.B) {
			g := set.GemmI8
			p := productI8(g, m, 1, k, n, nil)
			measureShare(b, func() float64 { return peakI8(set) }, 2*float64(m*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
		})
		b.Run("int8 with a sum", func(b *testing.B) {
			g := set.GemmI8
			p := productI8(g, m, 1, k, n, nil)
			p.CB, p.LDCB, p.Residual, p.LDR, p.Inverse = make([]uint16, m*n), n, make([]uint16, m*n), n, 1
			measureShare(b, func() float64 { return peakI8(set) }, 2*float64(m*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
		})
	})
}

func BenchmarkI8Pointwise35x35x64To96(b *testing.B)    { benchmarkPointwiseI8(b, 35, 64, 96) }
func BenchmarkI8Pointwise35x35x128To320(b *testing.B)  { benchmarkPointwiseI8(b, 35, 128, 320) }
func BenchmarkI8Pointwise35x35x384To96(b *testing.B)   { benchmarkPointwiseI8(b, 35, 384, 96) }
func BenchmarkI8Pointwise17x17x384To1088(b *testing.B) { benchmarkPointwiseI8(b, 17, 384, 1088) }
func BenchmarkI8Pointwise17x17x1024To384(b *testing.B) { benchmarkPointwiseI8(b, 17, 1024, 384) }
func BenchmarkI8Pointwise8x8x2048To256(b *testing.B)   { benchmarkPointwiseI8(b, 8, 2048, 256) }

// BenchmarkI8Expansion is the expansion of a residual block whose sums are more than caches
// hold, in place: 8 images of 17x17 pixels.
func BenchmarkI8Expansion17x17x384To1088(b *testing.B) { benchmarkExpansionI8(b, 8*17*17, 384, 1088) }
func BenchmarkI8Expansion35x35x128To320(b *testing.B)  { benchmarkExpansionI8(b, 8*35*35, 128, 320) }

func benchmarkExpansionI8(b *testing.B, m, k, n int) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		g := set.GemmI8
		p := productI8(g, m, 1, k, n, nil)
		p.LDC = (n + 63) / 64 * 64
		p.C, p.CB, p.LDCB, p.LDR, p.Inverse = make([]uint8, m*p.LDC), make([]uint16, m*n), n, n, 1
		p.Residual = p.CB
		measureShare(b, func() float64 { return peakI8(set) }, 2*float64(m*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
	})
}

func benchmarkDirectI8(b *testing.B, size, kh, kw, k, n int) {
	m := size * size
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		b.Run("float32", func(b *testing.B) { benchmarkDirectOf(b, set, size, kh, kw, k, n) })
		b.Run("int8", func(b *testing.B) {
			g := set.GemmI8
			p := productI8(g, m, kh*kw, k, n, walkOf(g.Blocks(), size, kh, kw))
			p.Rows, p.Taps, p.Stride, p.Zero = taps(size, size, kh, kw), kh*kw, m, make([]uint8, k)
			measureShare(b, func() float64 { return peakI8(set) }, 2*float64(m*kh*kw*k*n), func() { g.Run(p, 0, m, 0, g.Panels(n)) })
		})
	})
}

func BenchmarkI8Direct147x147Conv3x3x32To64(b *testing.B) { benchmarkDirectI8(b, 147, 3, 3, 32, 64) }
func BenchmarkI8Direct35x35Conv3x3x96To96(b *testing.B)   { benchmarkDirectI8(b, 35, 3, 3, 96, 96) }
func BenchmarkI8Direct17x17Conv1x7x224To256(b *testing.B) { benchmarkDirectI8(b, 17, 1, 7, 224, 256) }
func BenchmarkI8Direct8x8Conv1x3x384To256(b *testing.B)   { benchmarkDirectI8(b, 8, 1, 3, 384, 256) }
