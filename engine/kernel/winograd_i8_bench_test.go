package kernel

import "testing"

// benchmarkWinogradI8 is a convolution of one image, a block of tiles after the other.
func benchmarkWinogradI8(b *testing.B, size, k, n int) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		w := set.winogradI8
		if w == nil {
			b.Skipf("%s has no tile of AVX-512 VNNI, which this algorithm is for", set.ISA)
		}
		p := &ConvolutionI8{
			Grid: gridOf(&w.Winograd, 1, Square(size), Square(1), Square(size)), K: k, N: n,
			X: randomU8(size * size * k), Pitch: k, Zero: make([]uint8, k), B: make([]int16, w.PackedSize(k, n)),
			Y: make([]uint8, size*size*n), PitchY: n, Scale: random(n), Bias: random(n),
		}
		const block = 56
		scratch := make([]float32, w.Scratch(k/2, n, block))
		measureShare(b, func() float64 { return peakI8(set) }, 2*float64(size*size*9*k*n), func() {
			for t := 0; t < p.Grid.Tiles; t += block {
				w.Run(p, t, min(t+block, p.Grid.Tiles), scratch)
			}
		})
	})
}

func BenchmarkI8Winograd147x147x32To64(b *testing.B) { benchmarkWinogradI8(b, 147, 32, 64) }
func BenchmarkI8Winograd35x35x96To96(b *testing.B)   { benchmarkWinogradI8(b, 35, 96, 96) }
func BenchmarkI8Winograd35x35x32To32(b *testing.B)   { benchmarkWinogradI8(b, 35, 32, 32) }

// BenchmarkI8WinogradPack transforms the weights of 96 to 96 channels.
func BenchmarkI8WinogradPack(b *testing.B) {
	set, err := For(Available()[0])
	if err != nil {
		b.Fatal(err)
	}
	w := set.winogradI8
	if w == nil {
		b.Skipf("%s has no tile of AVX-512 VNNI, which this algorithm is for", set.ISA)
	}
	const k, n = 96, 96
	weights, dst := make([]int8, 9*k*n), make([]int16, w.PackedSize(k, n))
	for b.Loop() {
		w.PackInto(dst, weights, k, n)
	}
}
