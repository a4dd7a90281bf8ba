package kernel

import "fmt"

// productLayout is how a product's rows lie in memory, whatever the type of their elements: the
// fields of ProductF32, ProductBF16 and ProductI8 of the same names.
type productLayout struct {
	m, n, k int
	steps   int     // of a tile's loop over k
	a       uintptr // of the first element of A
	size    int     // of an element of A, in bytes
	lda     int
	depth   int // rows of packed b

	walk         *Walk
	rows         []int32
	taps, stride int // 1 tap without rows

	line, ldc, nextC, ldr, nextR int
	ldcb, nextCB                 int // of CB, where it is written beside C
}

// panels is how many panels of nr columns n columns take.
func panels(n, nr int) int { return (n + nr - 1) / nr }

// A tile is some rows of a product.
type tile struct {
	row, rows  int
	c, cb      int // where they begin
	residual   int
	tap0, tap1 int // those that add something
	ahead      uintptr
	step       int
}

// tile is that which begins with row i of those from i0 to i1, of at most so many rows. It
// is computed for so many panels.
func (l *productLayout) tile(i, i0, i1, most, panels int) tile {
	line, place, end := 0, i, i1
	if l.line > 0 {
		line, place = i/l.line, i%l.line
		end = min(i1, (line+1)*l.line)
	}
	// Tiles of about equal height: a low one takes as long as one of four rows.
	tiles := (end - i + most - 1) / most
	t := tile{row: i, rows: (end - i + tiles - 1) / tiles}
	t.c, t.cb, t.residual = line*l.nextC+place*l.ldc, line*l.nextCB+place*l.ldcb, line*l.nextR+place*l.ldr
	t.tap0, t.tap1 = l.inside(i, t.rows)
	next := i + t.rows
	if next >= i1 {
		next = i0
	}
	t.ahead, t.step = l.ahead(next, &t, panels)
	return t
}

// inside leaves away the first and the last taps that are outside the image for all of
// some rows, but for one.
func (l *productLayout) inside(row, rows int) (first, end int) {
	end = l.taps
	outside := func(tap int) bool {
		for _, r := range l.rows[tap*l.stride+row:][:rows] {
			if r >= 0 {
				return false
			}
		}
		return true
	}
	for first < end-1 && outside(first) {
		first++
	}
	for first < end-1 && outside(end-1) {
		end--
	}
	return first, end
}

// ahead is where the rows that a next tile will read lie in A, and how many bytes of that
// are to be asked for in each four steps of a tile, so that all has come when it is
// read: the tile is computed for so many panels. A tile of float32 asks for a line at a
// time, one of bfloat16, whose steps take as long and read twice as many values, for two.
func (l *productLayout) ahead(next int, t *tile, panels int) (where uintptr, step int) {
	rows := min(t.rows, l.m-next)
	first, last := next, next+rows-1
	if l.rows != nil {
		newest := l.rows[(l.taps-1)*l.stride:]
		first, last = int(newest[first]), int(newest[last])
	}
	calls := (t.tap1 - t.tap0) * (l.steps / 4) * panels
	if first < 0 || last < first || last-first > 4*rows || calls == 0 {
		return l.a, 0
	}
	bytes := ((last-first)*l.lda + l.k) * l.size
	return l.a + uintptr(l.size*first*l.lda), min(256/l.size, (bytes+calls-1)/calls)
}

// extents are the lengths of a product's slices, -1 of what is nil and may be.
type extents struct{ a, zero, b, c, bias, residual int }

func extent[T any](s []T) int {
	if s == nil {
		return -1
	}
	return len(s)
}

// check panics unless everything that a run of rows i0 to i1 and panels p0 to p1, of nr
// columns, reads and writes lies inside the slices. A walk's rows may be written anywhere.
func (l *productLayout) check(nr, i0, i1, p0, p1 int, have extents) {
	if i0 < 0 || i0 > i1 || i1 > l.m || p0 < 0 || p0 > p1 || p1 > panels(l.n, nr) || l.k < 1 || l.taps < 1 {
		panic(fmt.Sprintf("kernel: rows %d:%d, panels %d:%d of a product of %d x %d, K=%d, %d taps", i0, i1, p0, p1, l.m, l.n, l.k, l.taps))
	}
	switch {
	case l.walk != nil:
		l.needWalk(l.walk, have.a, have.zero)
	case l.rows == nil:
		need("A", have.a, i1, l.lda, l.k)
	default:
		need("Zero", have.zero, 1, 0, l.k)
		need("Rows", len(l.rows), l.taps, l.stride, i1)
		highest := int32(-1)
		for tap := range l.taps {
			for _, r := range l.rows[tap*l.stride+i0 : tap*l.stride+i1] {
				highest = max(highest, r)
			}
		}
		need("A", have.a, int(highest)+1, l.lda, l.k)
	}
	if l.walk != nil {
		i1 = l.m
	}
	need("B", have.b, panels(l.n, nr), l.depth*nr, l.depth*nr)
	if have.c >= 0 {
		l.needRows("C", have.c, i1, l.ldc, l.nextC)
	}
	if have.bias >= 0 {
		need("Bias", have.bias, 1, 0, l.n)
	}
	if have.residual >= 0 {
		l.needRows("Residual", have.residual, i1, l.ldr, l.nextR)
	}
}

// needRows panics unless the rows up to i1 are inside size.
func (l *productLayout) needRows(what string, size, i1, pitch, next int) {
	if l.line == 0 {
		need(what, size, i1, pitch, l.n)
		return
	}
	if l.line < 0 || pitch < 0 {
		panic(fmt.Sprintf("kernel: %s has lines of %d rows, %d apart", what, l.line, pitch))
	}
	need(what, size, (i1+l.line-1)/l.line, next, (min(i1, l.line)-1)*pitch+l.n)
}

// need panics unless count rows of width elements, stride apart, fit in size.
func need(what string, size, count, stride, width int) {
	if stride < 0 || count > 0 && (count-1)*stride+width > size {
		panic(fmt.Sprintf("kernel: %s has %d elements, and %d rows of %d, %d apart, are used", what, size, count, width, stride))
	}
}
