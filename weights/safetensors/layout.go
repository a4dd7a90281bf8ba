package safetensors

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// elements returns the product of a shape, and false where a dimension is
// negative or the product overflows. A zero dimension does not excuse the
// others: [0, 2^62, 2^62] is refused, as whoever multiplies a part of such a
// shape would overflow.
func elements(shape []int) (int, bool) {
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

// byteLength returns the bytes that a shape takes at size bytes an element,
// and false where that exceeds an int.
func byteLength(shape []int, size int) (int, bool) {
	n, ok := elements(shape)
	if !ok || n > math.MaxInt/size {
		return 0, false
	}
	return n * size, true
}

// checkLayout sorts the entries by their offsets and checks that they cover
// the section of length bytes exactly, each with the bytes its shape needs.
func checkLayout(file string, entries []entry, length int64) error {
	// Empty tensors sort before the one that begins where they lie.
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), strings.Compare(a.name, b.name))
	})
	var covered int64
	previous := ""
	for _, e := range entries {
		fail := func(expected, found, advice string) error {
			return &mismatch{file, e.name, expected, found, advice}
		}
		offsets := func() string { return fmt.Sprintf("data_offsets [%d, %d]", e.begin, e.end) }
		want, ok := byteLength(e.shape, e.dtype.Size())
		switch {
		case !ok:
			return fail("a shape whose bytes fit this machine's int",
				fmt.Sprintf("shape %s of %s", showShape(e.shape), e.dtype), exportAgain)
		case int64(want) != e.end-e.begin:
			return fail(fmt.Sprintf("%d bytes for shape %s of %s", want, showShape(e.shape), e.dtype),
				fmt.Sprintf("%d bytes at %s", e.end-e.begin, offsets()), exportAgain)
		case e.begin < covered:
			return fail(fmt.Sprintf("bytes from %d on, after tensor %s", covered, quote(previous)),
				"an overlap at "+offsets(), exportAgain)
		case e.begin > covered:
			return fail(fmt.Sprintf("bytes from %d on, with no hole before them", covered), offsets(), exportAgain)
		case e.end > length:
			return fail(fmt.Sprintf("%d bytes of data in the file for %s", e.end, offsets()),
				fmt.Sprintf("%d", length), "the file is cut short: "+downloadAgain)
		}
		covered, previous = e.end, e.name
	}
	if covered != length {
		return &mismatch{file, "", fmt.Sprintf("%d bytes of data, the end of the last tensor", covered),
			fmt.Sprintf("%d", length), "the file has bytes that belong to no tensor: " + downloadAgain}
	}
	return nil
}
