package generic

import "unsafe"

// block is how many channels are pooled at a time.
const block = 64

// PoolMaxBF16 is, for one tap or more:
//
//	for c := range channels {
//		y[c] = max of x[pixels[t]*pitch+c] over t < taps
//	}
//
// where x and y are bfloat16.
func PoolMaxBF16(channels, taps int, x *uint16, pitch int, pixels *int32, y *uint16) {
	poolBF16(channels, taps, x, pitch, pixels, y, func(acc, v float32) float32 { return max(acc, v) }, func(c int, acc float32) float32 { return acc })
}

// PoolSumBF16 is, for one tap or more:
//
//	for c := range channels {
//		y[c] = max(weight * sum of x[pixels[t]*pitch+c] over t < taps + bias[c], floor)
//	}
//
// where x and y are bfloat16, all else is float32, and y is rounded to the nearest. The bias
// may be nil.
func PoolSumBF16(channels, taps int, x *uint16, pitch int, pixels *int32, y *uint16, weight float32, bias *float32, floor float32) {
	poolBF16(channels, taps, x, pitch, pixels, y, func(acc, v float32) float32 { return acc + v }, func(c int, acc float32) float32 {
		acc *= weight
		if bias != nil {
			acc += unsafe.Slice(bias, channels)[c]
		}
		return max(acc, floor)
	})
}

// poolBF16 combines the pixels' channels and finishes each.
func poolBF16(channels, taps int, x *uint16, pitch int, pixels *int32, y *uint16, combine func(acc, v float32) float32, finish func(c int, acc float32) float32) {
	to := unsafe.Slice(y, channels)
	var sums [block]float32
	for c0 := 0; c0 < channels; c0 += block {
		acc := sums[:min(block, channels-c0)]
		for t, pixel := range unsafe.Slice(pixels, taps) {
			from := unsafe.Slice((*uint16)(unsafe.Add(unsafe.Pointer(x), 2*(int(pixel)*pitch+c0))), len(acc))
			for c, v := range from {
				if t == 0 {
					acc[c] = FromBF16(v)
				} else {
					acc[c] = combine(acc[c], FromBF16(v))
				}
			}
		}
		for c, v := range acc {
			to[c0+c] = ToBF16(finish(c0+c, v))
		}
	}
}
