package tensorfile

import (
	"math"
	"unsafe"
)

// NotFinite returns the place of the first value that is a NaN or an infinity, and how
// many there are; (-1, 0) where all are finite numbers.
func NotFinite(values []float32) (first, count int) {
	if allFinite(values) {
		return -1, 0
	}
	first = -1
	for i, v := range values {
		if math.Float32bits(v)&exponent == exponent {
			if first < 0 {
				first = i
			}
			count++
		}
	}
	return first, count
}

const exponent = 0x7f800000 // all bits of it are set in a NaN and in an infinity

// allFinite looks at two values at a time: one that is added to an exponent runs over into
// the place of the sign where all its bits are set.
func allFinite(values []float32) bool {
	const (
		exponents = exponent<<32 | exponent
		ones      = 0x00800000<<32 | 0x00800000
		over      = 0x80000000<<32 | 0x80000000
	)
	n := len(values)
	if n > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(values)))%8 != 0 {
		if math.Float32bits(values[0])&exponent == exponent {
			return false
		}
		values, n = values[1:], n-1
	}
	if n > 1 {
		pairs := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(values))), n/2)
		found := uint64(0)
		for len(pairs) >= 4 {
			found |= (pairs[0]&exponents + ones) | (pairs[1]&exponents + ones) | (pairs[2]&exponents + ones) | (pairs[3]&exponents + ones)
			pairs = pairs[4:]
		}
		for _, pair := range pairs {
			found |= pair&exponents + ones
		}
		if found&over != 0 {
			return false
		}
	}
	return n%2 == 0 || math.Float32bits(values[n-1])&exponent != exponent
}
