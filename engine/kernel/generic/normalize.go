package generic

import "unsafe"

// StatisticsF32 is the loop of its namesakes in assembly.
func StatisticsF32(pixels, channels int, x *float32, pitchX int, shift, sum, squares *float32) {
	shifts, sums, square := unsafe.Slice(shift, channels), unsafe.Slice(sum, channels), unsafe.Slice(squares, channels)
	clear(sums)
	clear(square)
	for i := range pixels {
		for c, v := range pixel(x, i, pitchX, channels) {
			v -= shifts[c]
			sums[c] += v
			square[c] += v * v
		}
	}
}

// NormalizeF32 is the loop of its namesakes in assembly.
func NormalizeF32(pixels, channels int, x *float32, pitchX int, scale, offset *float32, floor float32, y *float32, pitchY int) {
	scales, offsets := unsafe.Slice(scale, channels), unsafe.Slice(offset, channels)
	for i := range pixels {
		to := pixel(y, i, pitchY, channels)
		for c, v := range pixel(x, i, pitchX, channels) {
			to[c] = max(scaled(v, scales[c], offsets[c]), floor)
		}
	}
}

// NormGradientSumsF32 is the loop of its namesakes in assembly.
func NormGradientSumsF32(pixels, channels int, x *float32, pitchX int, dy *float32, pitchDY int, scale, offset, mean, sum, products *float32) {
	means, sums, product := unsafe.Slice(mean, channels), unsafe.Slice(sum, channels), unsafe.Slice(products, channels)
	clear(sums)
	clear(product)
	for i := range pixels {
		from := pixel(x, i, pitchX, channels)
		for c, v := range pixel(dy, i, pitchDY, channels) {
			if scale != nil && scaled(from[c], *element(scale, c), *element(offset, c)) < 0 {
				v = 0
			}
			sums[c] += v
			product[c] += v * (from[c] - means[c])
		}
	}
}

// NormGradientF32 is the loop of its namesakes in assembly.
func NormGradientF32(pixels, channels int, x *float32, pitchX int, dy *float32, pitchDY int, scale, offset, a, b, d, dx *float32, pitchDX int) {
	as, bs, ds := unsafe.Slice(a, channels), unsafe.Slice(b, channels), unsafe.Slice(d, channels)
	for i := range pixels {
		from, to := pixel(x, i, pitchX, channels), pixel(dx, i, pitchDX, channels)
		for c, v := range pixel(dy, i, pitchDY, channels) {
			if scale != nil && scaled(from[c], *element(scale, c), *element(offset, c)) < 0 {
				v = 0
			}
			to[c] = as[c]*v + bs[c]*from[c] + ds[c]
		}
	}
}

// scaled is the same number wherever it is used: the conversion keeps Go from fusing
// the product with the sum.
func scaled(x, scale, offset float32) float32 { return float32(x*scale) + offset }

func pixel(base *float32, i, pitch, channels int) []float32 {
	return unsafe.Slice(element(base, i*pitch), channels)
}
