package kernel

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// GemmI8 is a kernel for products of unsigned 8-bit integers with signed ones, and sums of 32
// bits, which are exact: a tile, the order it wants b in and the loops around it.
type GemmI8 struct {
	Name string
	NR   int // columns of a tile and of a panel of b

	halves       bool // products are summed two by two in words first: see MoreI8
	rows         int  // of a tile
	tile         gemmTileI8
	indirectRows int
	indirect     indirectGemmTileI8

	block    gemmBlockI8 // in the place of tile and indirect
	copyRows copyRows    // of a block
}

type gemmTileI8 func(m, n, quads int, a *uint8, lda int, b, more *int8, starts *int32, c *uint8, ldc int, cb *uint16, ldcb int,
	scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, ahead uintptr, aheadStep int)

type indirectGemmTileI8 func(m, n, quads int, a *uint8, lda int, b, more *int8, starts *int32, c *uint8, ldc int, cb *uint16, ldcb int,
	scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, ahead uintptr, aheadStep int,
	rows *int32, taps, stride int, zero *uint8)

// A gemmBlockI8 computes rows of so many steps, of the columns of several panels, which are
// panel elements apart in b: what gemmTileI8 and generic.GemmI8_2x4 do of one. Steps and results
// lie as those of a gemmBlockBF16.
type gemmBlockI8 func(m, n, steps int, a *uint8, lda int, offsets *int32, b *int8, panel int, c *uint8, ldc int, cb *uint16, ldcb int, places *int32,
	scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, sums *float32, chunk int, ahead uintptr, lines int)

// MostI8 is how many products of 8-bit integers a sum of 32 bits holds for certain.
const MostI8 = math.MaxInt32 / (255 * 128)

// ProductI8 is what a product reads and writes, for each row i and column j:
//
//	acc := sum of A[i*LDA+k] * b[k][j] over k < K  // of Taps rows of A where there are Rows
//	v := acc*Scale[j] + Bias[j]
//	v += Residual[i*LDR+j]                         // unless nil
//	v = max(v, 0)                                  // if ReLU
//	CB[i*LDCB+j] = v                               // unless nil
//	C[i*LDC+j] = v*Inverse + ZeroPoint             // unless nil
//
// acc is an integer and exact, v float32, Residual bfloat16, CB rounded to that, and C to the
// nearest integer, of two to the even one, and limited to 0 and 255. Where Inverse is 0, Scale and Bias have it and ZeroPoint
// in them: C is v, which is less than 1<<31, and there is nothing else. Rows, Stride and Zero,
// as Line, NextC, NextCB and NextR, are what they are in ProductF32.
//
// All products of an element are summed in one call, which cannot be interrupted.
type ProductI8 struct {
	M, N, K int // K is a multiple of 4; Taps*K is at most MostI8

	A   []uint8
	LDA int

	Rows   []int32
	Taps   int
	Stride int
	Zero   []uint8 // K zeros

	// Walk is in the place of Rows for kernels of blocks. Rows are counted in its order then.
	Walk    *Walk
	Scratch []byte // as many as the kernel's Scratch

	B    []int8  // packed by PackInto
	More *MoreI8 // what that returned

	C           []uint8
	LDC         int
	CB          []uint16
	LDCB        int
	Scale, Bias []float32 // [Panels*NR]
	Residual    []uint16
	LDR         int
	ReLU        bool

	Inverse, ZeroPoint float32

	Line, NextC, NextCB, NextR int
}

// Panels is how many panels of NR columns n columns take.
func (g *GemmI8) Panels(n int) int { return panels(n, g.NR) }

// Rows is the height of a tile, of products with Rows or without.
func (g *GemmI8) Rows(indirect bool) int {
	if indirect {
		return g.indirectRows
	}
	return g.rows
}

// Together is how many panels of a depth Run takes for each tile before it goes to the
// next: they stay in a level-2 cache.
func (g *GemmI8) Together(depth int) int {
	if g.Blocks() {
		return max(1, tuning.BlockWeights/(depth*g.NR))
	}
	return max(1, tuning.BlockBytes/(depth*g.NR))
}

// Blocks reports whether products are computed in blocks by AMX's tiles.
func (g *GemmI8) Blocks() bool { return g.block != nil }

// depth is how many rows of b are packed.
func (g *GemmI8) depth(taps, k int) int {
	if g.Blocks() {
		return taps * wholeSteps(k)
	}
	return taps * k
}

// Scratch is how many bytes of memory a thread needs, of products with a Walk or without, of k
// elements of each pixel.
func (g *GemmI8) Scratch(walk *Walk, k int) int {
	if !g.Blocks() {
		return 0
	}
	plan := planBlocks(walk, k, k)
	return plan.scratch()
}

// PackedSize is how many elements PackInto fills.
func (g *GemmI8) PackedSize(taps, k, n int) int { return g.Panels(n) * g.depth(taps, k) * g.NR }

// PackInto packs b, [taps][k][n], into dst: [ceil(n/NR)][taps*k/4][NR][4]. Blocks take whole
// steps of each tap in the place of k/4. dst is zero in the tail columns and in a tap's last step. It
// panics where k is no multiple of 4.
func (g *GemmI8) PackInto(dst, b []int8, taps, k, n int) *MoreI8 {
	needQuads(k)
	depth, each := g.depth(taps, k), g.depth(1, k)
	// In the order of b: it may have to come from memory, and dst is written there.
	for row := 0; row < taps*k; row += 4 {
		for panel := range g.Panels(n) {
			j := panel * g.NR
			width := min(g.NR, n-j)
			to := dst[(panel*depth+row/k*each+row%k)*g.NR:][:4*g.NR]
			for p := range 4 {
				for i, v := range b[(row+p)*n+j:][:width] {
					to[4*i+p] = v
				}
			}
		}
	}
	if !g.halves {
		return nil
	}
	return g.takeMore(dst, taps, k, n)
}

// MoreI8 is what products of 8-bit integers take a second time, where an instruction adds two of
// them in a word. These fit for certain if the two weights are together from -128 to 128. What
// others have more is here: for each vector of columns, of which a panel has two, in windows of
// four weights of each lane, which begin anywhere in a tap. Of an Inception-v3 that others trained
// there are 6 windows for 100 fours of weights, of random normal ones 15 to 50.
type MoreI8 struct {
	// entries are a window's weights, [NR/2][4], and, as a little-endian int32, where what they
	// are multiplied with begins, from the end of the tap's part of A. starts, [panels][taps][2]
	// and the end, say which entry is the first for a vector.
	entries    []int8
	starts     []int32
	taps, k, n int
}

// mostPair is what two weights may be together.
const mostPair = 128

// takeMore takes away from packed weights what does not fit, and returns it.
func (g *GemmI8) takeMore(packed []int8, taps, k, n int) *MoreI8 {
	panels := g.Panels(n)
	m := &MoreI8{taps: taps, k: k, n: n, starts: make([]int32, 1, 2*panels*taps+1)}
	for tap := range panels * taps {
		for vector := range 2 {
			g.takeWindows(m, packed[tap*k*g.NR+2*g.NR*vector:])
			if len(m.entries) > math.MaxInt32 {
				panic(fmt.Sprintf("kernel: %d bytes of weights do not fit in a word in pairs", len(m.entries)))
			}
			m.starts = append(m.starts, int32(len(m.entries)))
		}
		if tap == taps-1 {
			m.entries = slices.Grow(m.entries, len(m.entries)*panels*17/16) // as many for each panel
		}
	}
	return m
}

// takeWindows takes what does not fit from weights, those of a tap for a vector of columns. A
// window that begins with the second of a pair has room for two pairs more.
func (g *GemmI8) takeWindows(m *MoreI8, weights []int8) {
	lanes := g.NR / 2
	at := func(row int) int { return row/4*4*g.NR + row%4 }
	for pair := 0; pair < m.k; pair += 2 {
		found := false
		for column := range lanes {
			found = found || excess(weights[at(pair)+4*column:]) != 0
		}
		if !found {
			continue
		}
		first, begin := min(pair+1, m.k-4), len(m.entries)
		m.entries = append(m.entries, make([]int8, 4*lanes+4)...)
		window := m.entries[begin:]
		for column := range lanes {
			to := window[4*column:][:4]
			for i := range to {
				// Its neighbour in the window, of the same sign, leaves so much room.
				row := first + i
				e, beside := excess(weights[at(row&^1)+4*column:]), int(to[i^1])
				if e > 0 {
					e = min(e, mostPair-max(beside, 0))
				} else {
					e = max(e, -mostPair-min(beside, 0))
				}
				to[i] = int8(e)
				weights[at(row)+4*column] -= int8(e)
			}
		}
		for i := range 4 {
			window[4*lanes+i] = int8(uint32(first-m.k) >> (8 * i))
		}
	}
}

// excess is by how much the first two weights are too large together.
func excess(weights []int8) int {
	sum := int(weights[0]) + int(weights[1])
	return sum - min(max(sum, -mostPair), mostPair)
}

// Run computes rows i0 to i1 of the columns in panels p0 to p1. It panics where p's
// slices are too short, K is no multiple of 4 or there are too many products for a sum.
func (g *GemmI8) Run(p *ProductI8, i0, i1, p0, p1 int) {
	needQuads(p.K)
	l := p.layout()
	l.depth = g.depth(l.taps, p.K)
	if l.taps*p.K > MostI8 {
		panic(fmt.Sprintf("kernel: %d taps of %d products of 8-bit integers, and a sum holds %d", l.taps, p.K, MostI8))
	}
	if p.Inverse == 0 && (p.C == nil || p.CB != nil || p.Residual != nil || p.ReLU) {
		panic("kernel: a product of 8-bit integers without Inverse has no result but C, no Residual and no ReLU")
	}
	l.check(g.NR, i0, i1, p0, p1, extents{
		a: len(p.A), zero: len(p.Zero), b: len(p.B), c: extent(p.C), residual: extent(p.Residual), bias: -1,
	})
	if p.CB != nil {
		l.needRows("CB", len(p.CB), i1, p.LDCB, p.NextCB)
	}
	need("Scale", len(p.Scale), 1, 0, g.Panels(p.N)*g.NR)
	need("Bias", len(p.Bias), 1, 0, g.Panels(p.N)*g.NR)
	if m := p.More; g.halves && (m == nil || m.taps != l.taps || m.k != p.K || m.n != p.N) {
		panic("kernel: a product of 8-bit integers has More of other weights, or none")
	}
	if i0 == i1 {
		return
	}
	if g.Blocks() {
		g.runBlocks(p, &l, i0, i1, p0, p1)
		return
	}
	most := g.Rows(p.Rows != nil)
	block := g.Together(l.taps * p.K)
	for first := p0; first < p1; first += block {
		last := min(first+block, p1)
		for i := i0; i < i1; {
			t := l.tile(i, i0, i1, most, last-first)
			for panel := first; panel < last; panel++ {
				g.sum(p, &t, l.taps, panel)
			}
			i += t.rows
		}
	}
}

// sum computes a tile of one panel.
func (g *GemmI8) sum(p *ProductI8, t *tile, taps, panel int) {
	j := panel * g.NR
	n := min(g.NR, p.N-j)
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	b := &p.B[(panel*taps+t.tap0)*p.K*g.NR]
	var more *int8
	var starts *int32
	if g.halves {
		more, starts = unsafe.SliceData(p.More.entries), &p.More.starts[2*(panel*taps+t.tap0)]
	}
	c, cb, residual, quads := at(p.C, t.c+j), at(p.CB, t.cb+j), at(p.Residual, t.residual+j), p.K/4
	if p.Rows == nil {
		g.tile(t.rows, n, quads, &p.A[t.row*p.LDA], p.LDA, b, more, starts, c, p.LDC, cb, p.LDCB,
			&p.Scale[j], &p.Bias[j], residual, p.LDR, floor, p.Inverse, p.ZeroPoint, t.ahead, t.step)
	} else {
		g.indirect(t.rows, n, quads, &p.A[0], p.LDA, b, more, starts, c, p.LDC, cb, p.LDCB,
			&p.Scale[j], &p.Bias[j], residual, p.LDR, floor, p.Inverse, p.ZeroPoint, t.ahead, t.step,
			&p.Rows[t.tap0*p.Stride+t.row], t.tap1-t.tap0, p.Stride, &p.Zero[0])
	}
	t.ahead += uintptr((t.tap1 - t.tap0) * (quads / 4) * t.step)
}

// runBlocks is Run by blocks.
func (g *GemmI8) runBlocks(p *ProductI8, l *productLayout, i0, i1, p0, p1 int) {
	plan := planBlocks(p.Walk, p.K, p.LDA)
	need("Scratch", len(p.Scratch), 1, 0, plan.scratch())
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	together := g.Together(l.depth)
	for from := p0; from < p1; from += together {
		to := min(from+together, p1)
		l.blocksOf(&plan, p.Walk, i0, i1, to-from, &p.A[0], at(p.Zero, 0), p.Scratch, g.copyRows, func(b *block) {
			for first := from; first < to; first += plan.panels {
				j := first * g.NR
				n := min(p.N, min(first+plan.panels, to)*g.NR) - j
				g.block(b.rows, n, b.steps, b.a, b.lda, &b.offsets[0],
					&p.B[(first*l.depth+b.tap*l.depth/l.taps)*g.NR], l.depth*g.NR,
					at(p.C, b.row*p.LDC+j), p.LDC, at(p.CB, b.row*p.LDCB+j), p.LDCB, b.places,
					&p.Scale[j], &p.Bias[j], at(p.Residual, b.row*p.LDR+j), p.LDR,
					floor, p.Inverse, p.ZeroPoint, (*float32)(unsafe.Pointer(&p.Scratch[0])), plan.chunk, b.ahead, b.lines)
				b.ahead += uintptr(b.lines * b.steps * ceilDivide(n, g.NR) * tuning.CacheLine)
			}
		})
	}
}

func (p *ProductI8) layout() productLayout {
	taps := 1
	switch {
	case p.Walk != nil:
		taps = len(p.Walk.taps)
	case p.Rows != nil:
		taps = p.Taps
	}
	return productLayout{
		m: p.M, n: p.N, k: p.K, steps: p.K / 4, walk: p.Walk,
		a: uintptr(unsafe.Pointer(unsafe.SliceData(p.A))), size: 1, lda: p.LDA,
		rows: p.Rows, taps: taps, stride: p.Stride,
		line: p.Line, ldc: p.LDC, nextC: p.NextC, ldcb: p.LDCB, nextCB: p.NextCB, ldr: p.LDR, nextR: p.NextR,
	}
}

func needQuads(k int) {
	if k%4 != 0 {
		panic(fmt.Sprintf("kernel: products of 8-bit integers are summed in fours, and K is %d", k))
	}
}
