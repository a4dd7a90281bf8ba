package jpeg

import "fmt"

const (
	// lookupBits is the length of the prefixes that are looked up at once. Two tables
	// of AC coefficients with it fill half of a first-level cache.
	lookupBits = 11
	maxCode    = 16 // the longest code
)

// An entry is what a prefix of the data begins with:
//
//	bits 0-7   the length of the code, and of the coefficient where it is there
//	bits 8-11  the run of zero coefficients before it
//	bits 12-15 the length of the coefficient
//	bits 16-31 the coefficient, or zero where the prefix does not hold all of it
//
// It is zero where the code is longer than the prefix.
type entry uint32

// A code is a Huffman code as a file has it: counts[i] codes of i+1 bits for values, which
// are in the order of the codes.
type code struct {
	counts *[maxCode]uint8
	values []uint8
	table  *table // nil until a scan is read by it, which not everybody does
}

// newCode refuses more codes of a length than there are.
func newCode(counts *[maxCode]uint8, values []uint8) (*code, error) {
	next := 0
	for i, n := range counts {
		length := i + 1
		if next += int(n); n > 0 && next > 1<<length {
			return nil, fmt.Errorf("a Huffman table has %d codes of %d bits, more than there are", n, length)
		}
		next <<= 1
	}
	return &code{counts: counts, values: values}, nil
}

// A table is what a code is read with.
type table struct {
	lookup [1 << lookupBits]entry
	// Of the codes of each length: the last one, and the place of its value less the code.
	last   [maxCode + 2]int32
	offset [maxCode + 1]int32
	values [256]uint8
	count  int32 // of values
}

// read returns the table of a code; nil of none.
func (c *code) read() *table {
	switch {
	case c == nil:
		return nil
	case c.table != nil:
		return c.table
	}
	t := &table{count: int32(len(c.values))}
	copy(t.values[:], c.values)
	next, at := int32(0), int32(0)
	for length := int32(1); length <= maxCode; length++ {
		n := int32(c.counts[length-1])
		t.offset[length], t.last[length] = at-next, -1
		if n > 0 {
			t.last[length] = next + n - 1
			if length <= lookupBits {
				for i := range n {
					t.fill(next+i, length, c.values[at+i])
				}
			}
		}
		at += n
		next = (next + n) << 1
	}
	t.last[maxCode+1] = 1<<31 - 1
	c.table = t
	return t
}

// fill writes the entries of the prefixes that begin with a code.
func (t *table) fill(code, length int32, value uint8) {
	run, size := entry(value>>4), int32(value&15)
	rest := lookupBits - length
	first := code << rest
	for i := range int32(1) << rest {
		e := entry(length) | run<<8 | entry(size)<<12
		if size > 0 && size <= rest {
			bits := i >> (rest - size)
			e = entry(length+size) | run<<8 | entry(size)<<12 | entry(uint16(extend(bits, size)))<<16
		}
		t.lookup[first+i] = e
	}
}

// long finds a code that is longer than the lookup's prefixes; the length is 0 where there
// is none. The 16 bits are the next ones of the data.
func (t *table) long(bits int32) (value uint8, length int) {
	for length = lookupBits + 1; length <= maxCode; length++ {
		if code := bits >> (maxCode - length); code <= t.last[length] {
			if at := code + t.offset[length]; at >= 0 && at < t.count {
				return t.values[at], length
			}
			break
		}
	}
	return 0, 0
}

// extend returns the coefficient of a number of bits (T.81, F.2.2.1).
func extend(bits, size int32) int32 {
	if bits < 1<<(size-1) {
		return bits - 1<<size + 1
	}
	return bits
}
