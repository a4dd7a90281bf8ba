package generic

import (
	"math"
	"unsafe"
)

// ToU8 rounds to the nearest integer, of two to the even one, and limits it to 0 and 255. NaN
// becomes 255.
func ToU8(v float32) uint8 {
	switch {
	case v <= 0.5:
		return 0
	case v < 255:
		return uint8(math.RoundToEven(float64(v)))
	}
	return 255
}

// SliceToU8 is
//
//	for i := range n {
//		to[i] = a[i]*inverse + zeroPoint
//	}
//
// rounded and limited as ToU8 does.
func SliceToU8(n int, to *uint8, a *float32, inverse, zeroPoint float32) {
	dst := unsafe.Slice(to, n)
	for i, v := range unsafe.Slice(a, n) {
		dst[i] = ToU8(v*inverse + zeroPoint)
	}
}

// SliceFromU8 is
//
//	for i := range n {
//		to[i] = (a[i] - zeroPoint) * scale
//	}
//
// in float32.
func SliceFromU8(n int, to *float32, a *uint8, scale, zeroPoint float32) {
	dst := unsafe.Slice(to, n)
	for i, v := range unsafe.Slice(a, n) {
		dst[i] = (float32(v) - zeroPoint) * scale
	}
}

// PoolMaxU8 is, for one tap or more:
//
//	for c := range channels {
//		y[c] = max of x[pixels[t]*pitch+c] over t < taps
//	}
func PoolMaxU8(channels, taps int, x *uint8, pitch int, pixels *int32, y *uint8) {
	to := unsafe.Slice(y, channels)
	for t, pixel := range unsafe.Slice(pixels, taps) {
		from := pixelOfU8(x, pixel, pitch, channels)
		if t == 0 {
			copy(to, from)
			continue
		}
		for c, v := range from {
			to[c] = max(to[c], v)
		}
	}
}

// PoolSumU8 is, for one tap or more:
//
//	for c := range channels {
//		y[c] = weight * sum of x[pixels[t]*pitch+c] over t < taps
//	}
//
// rounded and limited as ToU8 does. There are at most 257 taps, and weight is not negative.
func PoolSumU8(channels, taps int, x *uint8, pitch int, pixels *int32, y *uint8, weight float32) {
	to := unsafe.Slice(y, channels)
	table := unsafe.Slice(pixels, taps)
	var sums [block]uint16
	for c0 := 0; c0 < channels; c0 += block {
		acc := sums[:min(block, channels-c0)]
		clear(acc)
		for _, pixel := range table {
			for c, v := range pixelOfU8(x, pixel, pitch, channels)[c0:][:len(acc)] {
				acc[c] += uint16(v)
			}
		}
		for c, sum := range acc {
			to[c0+c] = ToU8(weight * float32(sum))
		}
	}
}

func pixelOfU8(x *uint8, pixel int32, pitch, channels int) []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Add(unsafe.Pointer(x), int(pixel)*pitch)), channels)
}
