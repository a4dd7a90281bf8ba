package generic

import (
	"math"
	"unsafe"
)

// FromBF16 is the value of the bits of a bfloat16, the upper half of a float32's.
func FromBF16(v uint16) float32 { return math.Float32frombits(uint32(v) << 16) }

// ToBF16 rounds to the nearest bfloat16, of two to the one whose last bit is zero. NaN stays
// one.
func ToBF16(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40 // quiet, for what is left may be zero
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// SliceToBF16 is
//
//	for i := range n {
//		to[i] = the bits of the bfloat16 that is nearest to a[i]
//	}
func SliceToBF16(n int, to *uint16, a *float32) {
	dst := unsafe.Slice(to, n)
	for i, v := range unsafe.Slice(a, n) {
		dst[i] = ToBF16(v)
	}
}

// SliceFromBF16 is
//
//	for i := range n {
//		to[i] = the value of the bits a[i] of a bfloat16
//	}
func SliceFromBF16(n int, to *float32, a *uint16) {
	dst := unsafe.Slice(to, n)
	for i, v := range unsafe.Slice(a, n) {
		dst[i] = FromBF16(v)
	}
}
