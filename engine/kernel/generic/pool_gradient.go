package generic

import "unsafe"

// PoolMaxGradientF32 is, for one tap or more:
//
//	for c := range channels {
//		best := 0
//		for t := 1; t < taps; t++ {
//			if v := x[pixels[t]*pitch+c]; v > x[pixels[best]*pitch+c] || v != v {
//				best = t
//			}
//		}
//		dx[pixels[best]*pitchDX+c] += dy[c]
//	}
func PoolMaxGradientF32(channels, taps int, x *float32, pitch int, pixels *int32, dy, dx *float32, pitchDX int) {
	window := unsafe.Slice(pixels, taps)
	for c, gradient := range unsafe.Slice(dy, channels) {
		best := window[0]
		largest := *element(x, int(best)*pitch+c)
		for _, pixel := range window[1:] {
			if v := *element(x, int(pixel)*pitch+c); v > largest || v != v {
				best, largest = pixel, v
			}
		}
		*element(dx, int(best)*pitchDX+c) += gradient
	}
}

// PoolSumGradientF32 is, for one tap or more:
//
//	for t := range taps {
//		for c := range channels {
//			dx[pixels[t]*pitchDX+c] += weight * dy[c]
//		}
//	}
func PoolSumGradientF32(channels, taps int, pixels *int32, dy *float32, weight float32, dx *float32, pitchDX int) {
	from := unsafe.Slice(dy, channels)
	for _, pixel := range unsafe.Slice(pixels, taps) {
		to := pixelOf(dx, pixel, pitchDX, channels)
		for c, v := range from {
			to[c] += weight * v
		}
	}
}
