package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkNorm runs the passes over tensors that the caches do not hold, beside a copy
// of one.
func BenchmarkNorm(b *testing.B) {
	for _, size := range [][2]int{{8 * 147 * 147, 64}, {8 * 35 * 35, 384}, {8 * 17 * 17, 1024}} {
		pixels, channels := size[0], size[1]
		tensor, row := func() []float32 { return random(pixels * channels) }, func() []float32 { return random(channels) }
		x, dy, out, sums := tensor(), tensor(), tensor(), make([]float64, channels)
		run := func(name string, tensors int, run func()) {
			b.Run(fmt.Sprintf("%dx%d/%s", pixels, channels, name), func(b *testing.B) {
				b.SetBytes(int64(4 * tensors * pixels * channels))
				for b.Loop() {
					run()
				}
			})
		}
		run("copy", 2, func() { copy(out, x) })
		for _, isa := range Available() {
			set, err := For(isa)
			if err != nil {
				b.Fatal(err)
			}
			n := &normCase{
				pixels: pixels, channels: channels, pitch: channels, pitchDY: channels, pitchOut: channels, relu: true,
				x: guarded{s: x}, dy: guarded{s: dy}, out: guarded{s: out},
				scale: row(), offset: row(), mean: row(), a: row(), b: row(), d: row(), sum: sums, products: sums,
			}
			statistics, normalize, gradientSums, gradient := n.statistics(), n.normalize(), n.gradientSums(), n.inputGradient()
			run(string(isa)+"/statistics", 1, func() { set.Statistics(statistics, 0, pixels) })
			run(string(isa)+"/normalize", 2, func() { set.Normalize(normalize, 0, pixels) })
			run(string(isa)+"/gradientSums", 2, func() { set.NormGradientSums(gradientSums, 0, pixels) })
			run(string(isa)+"/gradient", 3, func() { set.NormGradient(gradient, 0, pixels) })
		}
	}
}
