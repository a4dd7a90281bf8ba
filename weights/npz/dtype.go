package npz

import (
	"math"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A dtype is an element type as numpy's headers spell it: a byte order (< little, > big,
// | none), a kind and a size, as in <f4.
type dtype struct {
	descr string
	big   bool
	kind  byte // f, i, u, b, c, S, U, V, M, m
	size  int  // bytes of an element
}

// parseDType reads a header's descr, and returns false for what is no plain type.
func parseDType(descr string) (dtype, bool) {
	d := dtype{descr: descr}
	if len(descr) < 2 || !strings.ContainsRune("<>|", rune(descr[0])) {
		return d, false
	}
	d.big, d.kind = descr[0] == '>', descr[1]
	digits := descr[2:]
	if d.kind == 'M' || d.kind == 'm' {
		digits, _, _ = strings.Cut(digits, "[") // the unit of dates and times
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return d, false
	}
	d.size = int(n)
	switch d.kind {
	case 'U': // UTF-32
		if d.size > math.MaxInt32/4 {
			return d, false
		}
		d.size *= 4
		return d, true
	case 'S', 'V':
		return d, true
	case 'f', 'i', 'u', 'b', 'c', 'M', 'm':
		return d, d.size > 0
	}
	return d, false
}

// isText reports whether elements are strings.
func (d dtype) isText() bool { return d.kind == 'U' || d.kind == 'S' }

// float32s returns the function that converts little-endian elements, nil for a type
// that is not one of the types read as float32.
func (d dtype) float32s() func(dst []float32, src []byte) {
	if d.kind != 'f' {
		return nil
	}
	switch d.size {
	case 2:
		return tensorfile.FromF16
	case 4:
		return tensorfile.FromF32
	case 8:
		return tensorfile.FromF64
	}
	return nil
}

// littleEndian turns elements of the type into little-endian ones.
func (d dtype) littleEndian(data []byte) {
	if !d.big {
		return
	}
	unit := d.size
	if d.kind == 'U' {
		unit = 4
	}
	for at := 0; at+unit <= len(data); at += unit {
		for i, j := at, at+unit-1; i < j; i, j = i+1, j-1 {
			data[i], data[j] = data[j], data[i]
		}
	}
}
