package kernel

import (
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// Products in blocks are those of AMX's tiles. A step is 64 bytes of each row, whatever the
// type, and of each column. Rows are read where they are if they are whole steps. Otherwise,
// and where they are those of a convolution, a tile's rows are gathered in memory, once for all
// panels, tap after tap, with zeros outside the image and after the last tap: a step may
// reach from a tap into the next, so that 3x3 taps of 32 bytes are five steps and not nine.

// stepBytes is what a step takes of a row.
const stepBytes = 64

// blockSums is how many sums a block has: as many as a tile has rows, of a panel's columns.
const blockSums = 32 * 32

// gatherBytes puts rows that are looked up in a table side by side:
//
//	for i := range m {
//		for tap := range taps {
//			row := a[rows[tap*stride+i]*lda:] // zero where the index is negative
//			copy(to[i*pitch+tap*bytes:], row[:bytes])
//		}
//		clear(to[i*pitch+taps*bytes:][:end-taps*bytes])
//	}
//
// where row is a[i*lda:] if rows is nil.
type gatherBytes func(m, taps, bytes int, a *byte, lda int, rows *int32, stride int, zero, to *byte, pitch, end int)

// wholeSteps is the bytes of a row's steps.
func wholeSteps(bytes int) int { return (bytes + stepBytes - 1) / stepBytes * stepBytes }

// gatherPitch is the distance of gathered rows of so many bytes: an odd number of cache lines,
// so that they do not fall on the same sets of a cache.
func gatherPitch(bytes int) int { return wholeSteps(bytes) | stepBytes }

// blockScratch is how many bytes a thread needs for blocks of rows of so many bytes.
func blockScratch(rows, bytes int) int { return 4*blockSums + rows*gatherPitch(bytes) }

// panelsPerCall is how many panels one call computes.
func panelsPerCall(steps int) int { return max(1, tuning.BlockSteps/steps) }

// blockRows are a tile's rows as a block reads them.
type blockRows struct {
	a     *byte
	pitch int // in bytes
	steps int
	sums  *float32 // memory for them
}

// gather returns a tile's rows, which it puts side by side if they have to be. Taps are left
// away only where those that are not begin with a step.
func (l *productLayout) gather(t *tile, a *byte, zero *byte, scratch []byte, gather gatherBytes) blockRows {
	bytes, lda := l.k*l.size, l.lda*l.size
	block := blockRows{sums: (*float32)(unsafe.Pointer(&scratch[0]))}
	if l.rows == nil {
		a = (*byte)(unsafe.Add(unsafe.Pointer(a), t.row*lda))
		if bytes%stepBytes == 0 {
			block.a, block.pitch, block.steps = a, lda, bytes/stepBytes
			return block
		}
	}
	if bytes%stepBytes != 0 {
		t.tap0, t.tap1 = 0, l.taps
	}
	taps := t.tap1 - t.tap0
	end := wholeSteps(taps * bytes)
	block.a, block.pitch, block.steps = &scratch[4*blockSums], gatherPitch(l.taps*bytes), end/stepBytes
	var rows *int32
	if l.rows != nil {
		rows = &l.rows[t.tap0*l.stride+t.row]
	}
	gather(t.rows, taps, bytes, a, lda, rows, l.stride, zero, block.a, block.pitch, end)
	return block
}
