package tensorfile

import (
	"fmt"
	"math"
	"math/bits"
)

// Elements returns the product of a shape, and false where a dimension is
// negative or the product overflows. A zero dimension does not excuse the
// others: [0, 2^62, 2^62] is refused, as whoever multiplies a part of such a
// shape would overflow.
func Elements(shape []int) (int, bool) {
	product, empty := uint64(1), false
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		if d == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(product, uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		product = lo
	}
	if empty {
		return 0, true
	}
	return int(product), true
}

// ByteLength returns the bytes that a shape takes at size bytes an element,
// and false where that exceeds an int.
func ByteLength(shape []int, size int) (int, bool) {
	n, ok := Elements(shape)
	if !ok || n > math.MaxInt/size {
		return 0, false
	}
	return n * size, true
}

// ShapeText returns a shape for an error, however many dimensions it claims.
func ShapeText(shape []int) string {
	const most = 16
	if len(shape) > most {
		return fmt.Sprintf("%v... (%d dimensions)", shape[:most], len(shape))
	}
	return fmt.Sprint(shape)
}
