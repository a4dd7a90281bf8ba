package kernel

import (
	"fmt"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// Products in blocks are those of AMX's tiles. A step is 64 bytes of each row, whatever the type,
// and of each column. Taps and pixels begin with a step: what a pixel lacks of its last one is
// zeros. Rows that are whole steps and do not fall on the same sets of a cache are read where
// they are, others are copied, and those under a window as a Walk tells.

// stepBytes is what a step takes of a row.
const stepBytes = 64

// stepWeights is what a step takes of a panel, in bytes.
const stepWeights = stepBytes * blockColumns

// A block has as many sums as rows and columns.
const (
	blockRows, blockColumns = 32, 32
	blockSums               = blockRows * blockColumns
)

// copyRows copies rows that are looked up in a table:
//
//	for i := range m {
//		row := a[rows[i]*lda:] // zero where the index is negative
//		copy(to[i*pitch:], row[:bytes])
//		clear(to[i*pitch+bytes:][:end-bytes])
//	}
//
// where row is a[i*lda:] if rows is nil, and end is bytes up to a multiple of 64.
type copyRows func(m, bytes int, a *byte, lda int, rows *int32, zero, to *byte, pitch int)

// wholeSteps is the bytes of a row's steps.
func wholeSteps(bytes int) int { return (bytes + stepBytes - 1) / stepBytes * stepBytes }

// copyPitch is the distance of copied rows of so many bytes: for long ones an odd number of cache
// lines, so that parts of them do not fall on the same sets of a cache.
func copyPitch(bytes int) int {
	if whole := wholeSteps(bytes); whole < tuning.Aliasing/2 {
		return whole
	}
	return wholeSteps(bytes) | stepBytes
}

// A blockPlan is how the blocks of a product are cut: into chunks of steps whose rows stay in a
// level-1 cache, and calls of some panels.
type blockPlan struct {
	bytes  int  // of a pixel
	pitch  int  // of copied pixels
	place  bool // pixels are read where they are
	steps  int  // of all taps
	chunk  int  // steps of one
	panels int  // of a call
	sums   int  // bytes of memory for them
	lines  int  // of a walk that are copied at a time
	copies int  // bytes of memory for them
}

// planBlocks plans products of so many bytes of each pixel, lda bytes apart, under a window
// unless walk is nil.
func planBlocks(walk *Walk, bytes, lda int) blockPlan {
	p := blockPlan{bytes: bytes, pitch: copyPitch(bytes), steps: wholeSteps(bytes) / stepBytes}
	reads := 0
	if walk == nil {
		reads = blockRows * wholeSteps(bytes)
		p.copies = blockRows * p.pitch
	} else {
		p.steps *= len(walk.taps)
		reads = walk.footprint(blockRows, p.pitch)
		p.lines = walk.together(p.pitch)
		p.copies = len(walk.planes) * walk.planeBytes(p.lines, p.pitch)
	}
	chunks := min(ceilDivide(reads, tuning.BlockRows), p.steps)
	p.chunk = ceilDivide(p.steps, chunks)
	p.place = walk == nil && bytes%stepBytes == 0 && (chunks == 1 || lda%tuning.Aliasing != 0)
	p.panels = min(max(1, tuning.BlockSteps/p.steps), tuning.BlockPanels)
	p.sums = 2 * 4 * blockSums
	if chunks > 1 {
		p.sums = p.panels * 4 * blockSums
	}
	return p
}

func (p *blockPlan) scratch() int { return p.sums + p.copies }

// A block is up to 32 rows as a call takes them.
type block struct {
	rows    int
	a       *byte
	lda     int // in bytes
	offsets []int32
	steps   int
	tap     int // the first
	places  *int32
	row     int // of the result that place 0 is

	ahead uintptr
	lines int
}

// inOrder are the places of rows that lie one after the other.
var inOrder = func() (places [blockRows]int32) {
	for i := range places {
		places[i] = int32(i)
	}
	return places
}()

// blocksOf calls do with the blocks of rows i0 to i1, counted in the order of the walk.
func (l *productLayout) blocksOf(plan *blockPlan, walk *Walk, i0, i1, panels int, a, zero *byte, scratch []byte, copyRows copyRows, do func(*block)) {
	if walk != nil {
		l.walkBlocks(plan, walk, i0, i1, panels, a, zero, scratch[plan.sums:], copyRows, do)
		return
	}
	offsets := offsetsOf(plan, nil)
	lda := l.lda * l.size
	b := block{offsets: offsets, steps: plan.steps, places: &inOrder[0]}
	for i := i0; i < i1; i += b.rows {
		b.rows, b.row = balanced(i1-i), i
		b.a, b.lda = (*byte)(unsafe.Add(unsafe.Pointer(a), i*lda)), lda
		b.ahead, b.lines = 0, 0
		if next := i + b.rows; next < i1 {
			b.ahead = uintptr(unsafe.Pointer(a)) + uintptr(next*lda)
			b.lines = ceilDivide(min(blockRows, i1-next)*lda/tuning.CacheLine, plan.steps*panels)
		}
		if !plan.place {
			copyRows(b.rows, plan.bytes, b.a, lda, nil, zero, &scratch[plan.sums], plan.pitch)
			b.a, b.lda = &scratch[plan.sums], plan.pitch
		}
		do(&b)
	}
}

// balanced is the height of the first of blocks of about equal height.
func balanced(rows int) int {
	n := ceilDivide(rows, blockRows)
	return ceilDivide(rows, n)
}

// offsetsOf are where the steps of a row are, from the place of its output pixel on.
func offsetsOf(plan *blockPlan, walk *Walk) []int32 {
	offsets := make([]int32, 0, plan.steps)
	each := wholeSteps(plan.bytes) / stepBytes
	taps := []tapPlace{{}}
	planeBytes := 0
	if walk != nil {
		taps, planeBytes = walk.taps, walk.planeBytes(plan.lines, plan.pitch)
	}
	for _, tap := range taps {
		for step := range each {
			offsets = append(offsets, int32(tap.plane*planeBytes+tap.place*plan.pitch+step*stepBytes))
		}
	}
	return offsets
}

// walkBlocks is blocksOf of images under a window.
func (l *productLayout) walkBlocks(plan *blockPlan, w *Walk, i0, i1, panels int, a, zero *byte, scratch []byte, copyRows copyRows, do func(*block)) {
	offsets := offsetsOf(plan, w)
	perTap := wholeSteps(plan.bytes) / stepBytes
	planeBytes := w.planeBytes(plan.lines, plan.pitch)
	pixels, lda := w.lines*w.length, l.lda*l.size
	for i := i0; i < i1; {
		image, first := i/pixels, i%pixels
		line := first / w.length
		last := min((line+plan.lines)*w.length, pixels, first+i1-i) - 1
		lines := last/w.length - line + 1

		from := (*byte)(unsafe.Add(unsafe.Pointer(a), image*w.In.Area()*lda))
		for n, plane := range w.planes {
			count := (lines+w.shift)*w.pitch + min(w.tail, len(plane.pixels)-(line+lines+w.shift)*w.pitch)
			copyRows(count, plan.bytes, from, lda, &plane.pixels[line*w.pitch], zero, &scratch[n*planeBytes], plan.pitch)
		}

		place := func(i int) int { return i/w.length*w.pitch + i%w.length }
		begin, end := place(first), place(last)+1
		b := block{lda: plan.pitch, row: image * pixels}
		b.ahead = uintptr(unsafe.Pointer(from)) + uintptr(w.after(line+lines)*lda)
		asked := ceilDivide(w.perLine()*lines*lda/tuning.CacheLine, ceilDivide(end-begin, blockRows)*plan.steps*panels)
		for at := begin; at < end; at += b.rows {
			b.rows = balanced(end - at)
			tap0, tap1 := w.inside(at/w.pitch, (at+b.rows-1)/w.pitch)
			b.tap, b.steps = tap0, (tap1-tap0)*perTap
			b.offsets = offsets[tap0*perTap:]
			b.places = &w.places[at]
			b.a = &scratch[(at-line*w.pitch)*plan.pitch]
			if b.lines = asked; i+last-first+1 >= i1 {
				b.lines = 0
			}
			ahead := b.ahead
			do(&b)
			b.ahead = ahead + uintptr(asked*b.steps*panels*tuning.CacheLine)
		}
		i += last - first + 1
	}
}

// perLine is how many pixels of an image a line of output takes, about, and after how many come
// before those that some lines of output need first.
func (w *Walk) perLine() int { return w.In.Area() / w.lines }

func (w *Walk) after(lines int) int {
	if lines >= w.lines {
		return w.In.Area()
	}
	return lines * w.perLine()
}

// needWalk panics unless all that a walk reads is there.
func (l *productLayout) needWalk(w *Walk, a, zero int) {
	if l.m != w.Images*w.Out.Area() {
		panic(fmt.Sprintf("kernel: a walk over %d images of %v pixels has not %d rows", w.Images, w.Out, l.m))
	}
	need("A", a, w.Images*w.In.Area(), l.lda, l.k)
	need("Zero", zero, 1, 0, l.k)
}
