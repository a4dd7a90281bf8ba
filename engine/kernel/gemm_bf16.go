package kernel

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// GemmBF16 is a kernel for products of bfloat16 matrices with sums in float32: a tile, the
// order it wants b in and the loops around it.
type GemmBF16 struct {
	Name   string
	NR     int  // columns of a tile and of a panel of b
	Faster bool // than products of float32 on this machine

	rows         int // of a tile
	tile         gemmTileBF16
	indirectRows int
	indirect     indirectGemmTileBF16

	block    gemmBlockBF16 // in the place of tile and indirect
	copyRows copyRows      // of a block
	packing  *packingBF16  // of trained weights for blocks
	convert  conversionBF16
}

type gemmTileBF16 func(m, n, pairs int, a *uint16, lda int, b, c *uint16, cf *float32, ldc int,
	bias *float32, residual *uint16, ldr int, scale, floor float32, ahead uintptr, aheadStep int)

type indirectGemmTileBF16 func(m, n, pairs int, a *uint16, lda int, b, c *uint16, cf *float32, ldc int,
	bias *float32, residual *uint16, ldr int, scale, floor float32, ahead uintptr, aheadStep int,
	rows *int32, taps, stride int, zero *uint16)

// A gemmBlockBF16 computes rows of so many steps, of the columns of several panels, which are
// panel elements apart in b: what gemmTileBF16 and generic.GemmBF16_2x4 do of one. Step s of a row
// is offsets[s] bytes after its beginning, and its results go to a row of places, or nowhere where
// that is negative.
type gemmBlockBF16 func(m, n, steps int, a *uint16, lda int, offsets *int32, b *uint16, panel int, c *uint16, cf *float32, ldc int, places *int32,
	bias *float32, residual *uint16, ldr int, scale, floor float32, sums *float32, chunk int, ahead uintptr, lines, part int)

// ProductBF16 is what a product reads and writes: that of ProductF32, with the bits of
// bfloat16 in A, B and Residual, sums in float32, and the result rounded once to the nearest
// bfloat16 in C, or as it is in CF. Rows, Taps, Stride and Zero, as Line, NextC and NextR,
// are what they are there.
//
// All products of an element are summed in one call, which cannot be interrupted, for C is
// rounded: on Zen 4 that takes up to 8 ns for each pair of K of each tap, 0.05 ms for 3x3 of
// 1536 channels.
type ProductBF16 struct {
	M, N, K int // K is even

	A   []uint16
	LDA int

	Rows   []int32
	Taps   int
	Stride int
	Zero   []uint16 // K zeros

	// Walk is in the place of Rows for kernels of blocks. Rows are counted in its order then.
	Walk    *Walk
	Scratch []byte // as many as the kernel's Scratch

	B []uint16 // packed by PackInto

	C       []uint16
	CF      []float32 // instead of C, if ToF32
	ToF32   bool
	Rounded bool // CF is rounded to bfloat16
	LDC     int  // of C or CF

	Bias     []float32 // N
	Residual []uint16
	LDR      int
	Scale    float32
	ReLU     bool

	Line, NextC, NextR int
}

// Panels is how many panels of NR columns n columns take.
func (g *GemmBF16) Panels(n int) int { return panels(n, g.NR) }

// Rows is the height of a tile, of products with Rows or without.
func (g *GemmBF16) Rows(indirect bool) int {
	if indirect {
		return g.indirectRows
	}
	return g.rows
}

// Together is how many panels of a depth Run takes for each tile before it goes to the
// next: they stay in a level-2 cache.
func (g *GemmBF16) Together(depth int) int {
	if g.Blocks() {
		return max(1, tuning.BlockWeights/(depth*g.NR*2))
	}
	return max(1, tuning.BlockBytes/(depth*g.NR*2))
}

// Blocks reports whether products are computed in blocks by AMX's tiles.
func (g *GemmBF16) Blocks() bool { return g.block != nil }

// depth is how many rows of b are packed.
func (g *GemmBF16) depth(taps, k int) int {
	if g.Blocks() {
		return taps * wholeSteps(2*k) / 2
	}
	return taps * k
}

// Scratch is how many bytes of memory a thread needs, of products with a Walk or without, of k
// elements of each pixel.
func (g *GemmBF16) Scratch(walk *Walk, k int) int {
	if !g.Blocks() {
		return 0
	}
	plan := planBlocks(walk, 2*k, 2*k)
	return plan.scratch()
}

// PackedSize is how many elements PackInto fills.
func (g *GemmBF16) PackedSize(taps, k, n int) int { return g.Panels(n) * g.depth(taps, k) * g.NR }

// PackInto packs b, [taps][k][n] with ldb floats from row to row, into dst:
// [ceil(n/NR)][taps*k/2][NR][2], or for blocks whole steps of each tap in the place of k/2. dst is
// zero in the tail columns and in the last step of a tap. Column j is multiplied by scale[j], unless
// scale is nil, and rounded to the nearest bfloat16. It panics where k is odd.
func (g *GemmBF16) PackInto(dst []uint16, b []float32, taps, k, n, ldb int, scale []float32) {
	needEven(k)
	// In the order of b: it may have to come from memory, and dst is written there.
	depth, each := g.depth(taps, k), g.depth(1, k)
	for row := 0; row < taps*k; row += 2 {
		for panel := range g.Panels(n) {
			g.packPair(dst, b, panel*depth+row/k*each+row%k, row, panel, n, ldb, scale)
		}
	}
}

// PackParts is how many parts packing can be divided into.
func (g *GemmBF16) PackParts(taps, k int) int {
	return (g.depth(taps, k) + tuning.PackRows - 1) / tuning.PackRows
}

// PackScratch is how many elements of memory a thread needs for packing weights of so many
// columns, or transposed ones of so many.
func (g *GemmBF16) PackScratch(columns int) int {
	if g.packing == nil {
		return 0
	}
	return tuning.PackRows * columns
}

// PackPart packs one of the PackParts into dst, as PackInto does of all, and clears the tail
// columns and what the part has of a tap's last step beyond b.
func (g *GemmBF16) PackPart(dst []uint16, b []float32, taps, k, n, ldb, part int, scratch []uint16) {
	needEven(k)
	depth, each := g.depth(taps, k), g.depth(1, k)
	first := part * tuning.PackRows
	if g.packing != nil { // where a part is a step
		row, rows := first/each*k+first%each, min(tuning.PackRows, k-first%each)
		for i := range rows {
			g.convert.to(n, &scratch[i*n], &b[(row+i)*ldb : (row+i)*ldb+n][0])
		}
		g.packing.interleave(rows/2, n, &scratch[0], 2*n, nil, nil, &dst[first*g.NR], 2*depth*g.NR)
		for panel := range g.Panels(n) {
			clear(dst[(panel*depth+first+rows)*g.NR : (panel*depth+first+tuning.PackRows)*g.NR])
		}
		return
	}
	for at := first; at < min(first+tuning.PackRows, depth); at += 2 {
		for panel := range g.Panels(n) {
			width := 0
			if at%each < k {
				width = g.packPair(dst, b, panel*depth+at, at/each*k+at%each, panel, n, ldb, nil)
			}
			clear(dst[(panel*depth+at)*g.NR:][2*width : 2*g.NR])
		}
	}
}

// TransposedParts is how many parts PackTransposed has.
func (g *GemmBF16) TransposedParts(taps, n int) int { return taps * 2 * g.Panels(n) }

// PackTransposed packs one of the TransposedParts of b, [taps][n][k] with ldb floats from row to
// row, as PackPart does of [taps][k][n]. If it is flipped the last tap is the first.
func (g *GemmBF16) PackTransposed(dst []uint16, b []float32, taps, k, n, ldb int, flipped bool, part int, scratch []uint16) {
	needEven(k)
	depth, each := g.depth(taps, k), g.depth(1, k)
	tap, half := part/(2*g.Panels(n)), part%(2*g.Panels(n))
	column := half * g.NR / 2
	columns := max(0, min(g.NR/2, n-column))
	from := tap
	if flipped {
		from = taps - 1 - tap
	}
	for i := range columns {
		row := (from*n + column + i) * ldb
		g.convert.to(k, &scratch[i*k], &b[row : row+k][0])
	}
	to := (half/2*depth + tap*each) * g.NR
	_ = dst[to+each*g.NR-1]
	g.packing.pairs(columns, k, &scratch[0], 2*k, &dst[to+half%2*g.NR])
}

// packPair packs two rows of a panel, as those at of dst, and returns how many columns it has.
func (g *GemmBF16) packPair(dst []uint16, b []float32, at, row, panel, n, ldb int, scale []float32) int {
	j := panel * g.NR
	width := min(g.NR, n-j)
	to := dst[at*g.NR:][:2*width]
	even, odd := b[row*ldb+j:][:width], b[(row+1)*ldb+j:][:width]
	for i := range width {
		factor := float32(1)
		if scale != nil {
			factor = scale[j+i]
		}
		to[2*i], to[2*i+1] = ToBF16(even[i]*factor), ToBF16(odd[i]*factor)
	}
	return width
}

// Run computes rows i0 to i1 of the columns in panels p0 to p1. It panics where p's
// slices are too short or K is odd.
func (g *GemmBF16) Run(p *ProductBF16, i0, i1, p0, p1 int) {
	needEven(p.K)
	l := p.layout()
	l.depth = g.depth(l.taps, p.K)
	have := extents{
		a: len(p.A), zero: len(p.Zero), b: len(p.B), c: len(p.C), bias: extent(p.Bias), residual: extent(p.Residual),
	}
	if p.ToF32 {
		have.c = len(p.CF)
	}
	l.check(g.NR, i0, i1, p0, p1, have)
	if i0 == i1 {
		return
	}
	if g.Blocks() {
		g.runBlocks(p, &l, i0, i1, p0, p1)
		return
	}
	most := g.Rows(p.Rows != nil)
	block := g.Together(l.taps * p.K)
	var rounded []uint16
	if p.Rounded {
		rounded = make([]uint16, min(block*g.NR, p.N))
	}
	for first := p0; first < p1; first += block {
		last := min(first+block, p1)
		for i := i0; i < i1; {
			t := l.tile(i, i0, i1, most, last-first)
			for panel := first; panel < last; panel++ {
				g.sum(p, &t, l.taps, panel)
			}
			if p.Rounded {
				g.round(p, &t, first*g.NR, min(last*g.NR, p.N), rounded)
			}
			i += t.rows
		}
	}
}

// round rounds some columns of a tile of CF to bfloat16.
func (g *GemmBF16) round(p *ProductBF16, t *tile, first, last int, rounded []uint16) {
	for i := range t.rows {
		row := p.CF[t.c+i*p.LDC:][first:last]
		g.convert.to(len(row), &rounded[0], &row[0])
		g.convert.from(len(row), &row[0], &rounded[0])
	}
}

// sum computes a tile of one panel.
func (g *GemmBF16) sum(p *ProductBF16, t *tile, taps, panel int) {
	j := panel * g.NR
	n := min(g.NR, p.N-j)
	var c *uint16
	var cf *float32
	if p.ToF32 {
		cf = &p.CF[t.c+j]
	} else {
		c = &p.C[t.c+j]
	}
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	b := &p.B[(panel*taps+t.tap0)*p.K*g.NR]
	bias, residual, pairs := at(p.Bias, j), at(p.Residual, t.residual+j), p.K/2
	if p.Rows == nil {
		g.tile(t.rows, n, pairs, &p.A[t.row*p.LDA], p.LDA, b, c, cf, p.LDC,
			bias, residual, p.LDR, p.Scale, floor, t.ahead, t.step)
	} else {
		g.indirect(t.rows, n, pairs, &p.A[0], p.LDA, b, c, cf, p.LDC,
			bias, residual, p.LDR, p.Scale, floor, t.ahead, t.step,
			&p.Rows[t.tap0*p.Stride+t.row], t.tap1-t.tap0, p.Stride, &p.Zero[0])
	}
	t.ahead += uintptr((t.tap1 - t.tap0) * (pairs / 4) * t.step)
}

// runBlocks is Run by blocks.
func (g *GemmBF16) runBlocks(p *ProductBF16, l *productLayout, i0, i1, p0, p1 int) {
	bytesOf := func(v *uint16) *byte { return (*byte)(unsafe.Pointer(v)) }
	plan := planBlocks(p.Walk, 2*p.K, 2*p.LDA)
	need("Scratch", len(p.Scratch), 1, 0, plan.scratch())
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	together := g.Together(l.depth)
	for from := p0; from < p1; from += together {
		to := min(from+together, p1)
		l.blocksOf(&plan, p.Walk, i0, i1, to-from, bytesOf(&p.A[0]), bytesOf(at(p.Zero, 0)), p.Scratch, g.copyRows, func(b *block) {
			for first := from; first < to; first += plan.panels {
				j := first * g.NR
				n := min(p.N, min(first+plan.panels, to)*g.NR) - j
				var c *uint16
				var cf *float32
				if p.ToF32 {
					cf = &p.CF[b.row*p.LDC+j]
				} else {
					c = &p.C[b.row*p.LDC+j]
				}
				if p.Rounded {
					c = bitsOfFloat(cf)
				}
				g.block(b.rows, n, b.steps, (*uint16)(unsafe.Pointer(b.a)), b.lda/2, &b.offsets[0],
					&p.B[(first*l.depth+b.tap*l.depth/l.taps)*g.NR], l.depth*g.NR, c, cf, p.LDC, b.places,
					at(p.Bias, j), at(p.Residual, b.row*p.LDR+j), p.LDR, p.Scale, floor, (*float32)(unsafe.Pointer(&p.Scratch[0])), plan.chunk, b.ahead, b.lines, 0)
				b.ahead += uintptr(b.lines * b.steps * ceilDivide(n, g.NR) * tuning.CacheLine)
			}
		})
	}
}

func (p *ProductBF16) layout() productLayout {
	taps := 1
	switch {
	case p.Walk != nil:
		taps = len(p.Walk.taps)
	case p.Rows != nil:
		taps = p.Taps
	}
	return productLayout{
		m: p.M, n: p.N, k: p.K, steps: p.K / 2, walk: p.Walk,
		a: uintptr(unsafe.Pointer(unsafe.SliceData(p.A))), size: 2, lda: p.LDA,
		rows: p.Rows, taps: taps, stride: p.Stride,
		line: p.Line, ldc: p.LDC, nextC: p.NextC, ldr: p.LDR, nextR: p.NextR,
	}
}

// bitsOfFloat is where the bits of a float32 are, for a pointer that is not nil.
func bitsOfFloat(v *float32) *uint16 { return (*uint16)(unsafe.Pointer(v)) }

func needEven(k int) {
	if k%2 != 0 {
		panic(fmt.Sprintf("kernel: products of bfloat16 are summed in pairs, and K is %d", k))
	}
}
