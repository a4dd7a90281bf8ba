package jpeg

import (
	"bytes"
	"encoding/binary"
)

// A segmentReader reads the entropy-coded data between two markers.
type segmentReader interface {
	// start begins the segment at a place in the data. blocks is how many are read between
	// two calls of whole.
	start(data []byte, at, blocks int)
	// whole tells whether no more than there is has been read.
	whole() bool
	// finish skips what is left, and returns where it ends, which is at a marker or the end of
	// the data. surplus is whether what was skipped is more than padding.
	finish() (end int, surplus bool)
}

const (
	windowSize = 1 << 16
	// blockBytes is more than the coefficients of a block take: 64 of 16 bits after
	// codes of 16 bits.
	blockBytes = 64*4 + 8
)

// bitReader reads an entropy-coded segment: the data up to the next marker, without the zeros that
// follow bytes of 0xFF there. A window of it is kept, behind which zeros stand when it is
// the last, so that a block can be read without a look at where the data end.
type bitReader struct {
	// bits holds the next count bits, from the highest; what follows those may be set.
	bits  uint64
	count uint
	at    int // in window, behind what bits holds

	window []uint8
	length int // of window that is data
	near   int // where at is too near to the end for what is read at a time
	ended  bool
	margin int

	data   []byte
	source int // in data, behind what window holds
}

func (r *bitReader) start(data []byte, source, blocks int) {
	if blocks*blockBytes >= r.margin {
		r.margin = blocks*blockBytes + 32
		r.window = make([]uint8, windowSize+r.margin)
	}
	r.data, r.source = data, source
	r.bits, r.count, r.at, r.length, r.ended = 0, 0, 0, 0, false
	r.fill()
}

// fill moves the window on.
func (r *bitReader) fill() {
	if r.ended {
		return
	}
	n := copy(r.window, r.window[r.at:r.length])
	r.at = 0
	for n < windowSize && !r.ended {
		rest := r.data[r.source:]
		run := rest[:min(len(rest), windowSize-n)]
		if i := bytes.IndexByte(run, 0xFF); i >= 0 {
			run = run[:i]
		}
		n += copy(r.window[n:], run)
		r.source += len(run)
		rest = rest[len(run):]
		switch {
		case len(rest) == 0:
			r.ended = true
		case rest[0] != 0xFF:
		case len(rest) == 1:
			r.source++
			r.ended = true
		case rest[1] == 0:
			if n == windowSize {
				r.length, r.near = n, n-r.margin
				return
			}
			r.window[n] = 0xFF
			n++
			r.source += 2
		case rest[1] == 0xFF: // a fill byte
			r.source++
		default:
			r.ended = true
		}
	}
	r.length, r.near = n, n-r.margin
	if r.ended {
		clear(r.window[n:min(n+r.margin, len(r.window))])
		r.near = max(n-8, 0)
	}
}

// whole makes room to read on besides.
func (r *bitReader) whole() bool {
	if r.at < r.near {
		return true
	}
	r.fill()
	return !r.ended || 8*r.at-int(r.count) <= 8*r.length
}

func (r *bitReader) finish() (end int, surplus bool) {
	r.at -= int(r.count / 8)
	for {
		for _, b := range r.window[min(max(r.at, 0), r.length):r.length] {
			surplus = surplus || b != 0 && b != 0xFF
		}
		r.at = r.length
		if r.ended {
			return r.source, surplus
		}
		r.fill()
	}
}

// refill makes at least 56 bits ready.
func (r *bitReader) refill() {
	r.bits |= binary.BigEndian.Uint64(r.window[r.at:]) >> (r.count & 63)
	r.at += int(63-r.count) >> 3
	r.count |= 56
}

// take returns the next n bits, n at most 16.
func (r *bitReader) take(n uint) int32 {
	if n == 0 {
		return 0
	}
	if r.count < 32 {
		r.refill()
	}
	v := int32(r.bits >> ((64 - n) & 63))
	r.bits <<= n & 63
	r.count -= n
	return v
}

// symbol reads a code, and is not ok where there is none.
func (r *bitReader) symbol(t *table) (value uint8, ok bool) {
	if r.count < 32 {
		r.refill()
	}
	e := t.lookup[r.bits>>(64-lookupBits)]
	if e == 0 {
		value, length := t.long(int32(r.bits >> (64 - maxCode)))
		r.bits <<= uint(length) & 63
		r.count -= uint(length)
		return value, length > 0
	}
	length := uint(e & 0xFF)
	if e>>16 != 0 {
		length -= uint(e>>12) & 15
	}
	r.bits <<= length & 63
	r.count -= length
	return uint8(e>>8&15)<<4 | uint8(e>>12&15), true
}
