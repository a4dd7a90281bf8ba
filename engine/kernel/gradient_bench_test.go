package kernel

import "testing"

// benchmarkGradient is that of eight images of size x size pixels.
func benchmarkGradient(b *testing.B, size, kh, kw, k, n int) {
	const images = 8
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		pixels := size * size
		p := &WeightGradientF32{
			M: images * pixels, N: n, K: k, LDA: k + 16, LDY: n + 16, LDB: n,
			A: random(images * pixels * (k + 16)), DY: random(images * pixels * (n + 16)),
			DB: make([]float32, kh*kw*k*n),
		}
		products := p.M
		if kh*kw > 1 {
			p.Taps, p.Stride, p.Height, products = kh*kw, pixels, pixels, 0
			p.Rows = taps(size, size, kh, kw)
			for _, row := range p.Rows {
				if row >= 0 {
					products += images
				}
			}
		}
		scratch := new(GradientScratch)
		measure(b, set, 2*float64(products*k*n), func() { set.Gradient.Run(p, p.Whole(), scratch) })
	})
}

func BenchmarkGradient17x17x1024To192(b *testing.B)       { benchmarkGradient(b, 17, 1, 1, 1024, 192) }
func BenchmarkGradient35x35Conv3x3x96To96(b *testing.B)   { benchmarkGradient(b, 35, 3, 3, 96, 96) }
func BenchmarkGradient17x17Conv1x7x224To256(b *testing.B) { benchmarkGradient(b, 17, 1, 7, 224, 256) }
