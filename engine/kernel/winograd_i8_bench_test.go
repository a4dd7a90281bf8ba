package kernel

import "testing"

// benchmarkWinogradI8 is a convolution of one image, a block of tiles after the other.
func benchmarkWinogradI8(b *testing.B, kh, kw, size, k, n int) {
	eachSetBenchmark(b, func(b *testing.B, set *Set) {
		w := set.WinogradI8(kh, kw)
		if w == nil {
			b.Skipf("%s multiplies bytes too fast for this algorithm", set.ISA)
		}
		p := &ConvolutionI8{
			Grid: gridOf(&w.Winograd, 1, Square(size), Pair{kh / 2, kw / 2}, Square(size)), K: k, N: n,
			X: randomU8(size * size * k), Pitch: k, Zero: make([]uint8, k), B: make([]int16, w.PackedSize(k, n)),
			Y: make([]uint8, size*size*n), PitchY: n, Scale: random(n), Bias: random(n),
		}
		const block = 56
		scratch := make([]float32, w.Scratch(k, n, block))
		measureShare(b, func() float64 { return peakI8(set) }, 2*float64(size*size*kh*kw*k*n), func() {
			for t := 0; t < p.Grid.Tiles; t += block {
				w.Run(p, t, min(t+block, p.Grid.Tiles), scratch)
			}
		})
	})
}

func BenchmarkI8Winograd147x147Conv3x3x32To64(b *testing.B) {
	benchmarkWinogradI8(b, 3, 3, 147, 32, 64)
}
func BenchmarkI8Winograd35x35Conv3x3x96To96(b *testing.B) { benchmarkWinogradI8(b, 3, 3, 35, 96, 96) }
func BenchmarkI8Winograd35x35Conv3x3x32To32(b *testing.B) { benchmarkWinogradI8(b, 3, 3, 35, 32, 32) }
func BenchmarkI8Winograd17x17Conv1x7x224To256(b *testing.B) {
	benchmarkWinogradI8(b, 1, 7, 17, 224, 256)
}
func BenchmarkI8Winograd73x73Conv7x1x64To64(b *testing.B) { benchmarkWinogradI8(b, 7, 1, 73, 64, 64) }

// BenchmarkI8WinogradPack transforms the weights of 96 to 96 channels.
func BenchmarkI8WinogradPack(b *testing.B) {
	set, err := For(Available()[0])
	if err != nil {
		b.Fatal(err)
	}
	w := set.WinogradI8(3, 3)
	if w == nil {
		b.Skipf("%s multiplies bytes too fast for this algorithm", set.ISA)
	}
	const k, n = 96, 96
	weights, dst := make([]int8, 9*k*n), make([]int16, w.PackedSize(k, n))
	for b.Loop() {
		w.PackInto(dst, weights, k, n)
	}
}
