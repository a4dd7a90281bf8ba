package generic

import "unsafe"

// PoolMaxF32 is, for one tap or more:
//
//	for c := range channels {
//		y[c] = max of x[pixels[t]*pitch+c] over t < taps
//	}
func PoolMaxF32(channels, taps int, x *float32, pitch int, pixels *int32, y *float32) {
	to := unsafe.Slice(y, channels)
	for t, pixel := range unsafe.Slice(pixels, taps) {
		from := pixelOf(x, pixel, pitch, channels)
		if t == 0 {
			copy(to, from)
			continue
		}
		for c, v := range from {
			to[c] = max(to[c], v)
		}
	}
}

// PoolSumF32 is, for one tap or more:
//
//	for c := range channels {
//		y[c] = max(weight * sum of x[pixels[t]*pitch+c] over t < taps + bias[c], floor)
//	}
//
// The bias may be nil.
func PoolSumF32(channels, taps int, x *float32, pitch int, pixels *int32, y *float32, weight float32, bias *float32, floor float32) {
	to := unsafe.Slice(y, channels)
	for t, pixel := range unsafe.Slice(pixels, taps) {
		from := pixelOf(x, pixel, pitch, channels)
		if t == 0 {
			copy(to, from)
			continue
		}
		for c, v := range from {
			to[c] += v
		}
	}
	for c := range to {
		to[c] *= weight
	}
	if bias != nil {
		for c, b := range unsafe.Slice(bias, channels) {
			to[c] += b
		}
	}
	for c := range to {
		to[c] = max(to[c], floor)
	}
}

func pixelOf(x *float32, pixel int32, pitch, channels int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(x), 4*int(pixel)*pitch)), channels)
}
