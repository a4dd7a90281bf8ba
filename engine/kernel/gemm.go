package kernel

import (
	"math"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// GemmF32 is a kernel for products of float32 matrices: a tile, the order it wants b
// in and the loops around it.
type GemmF32 struct {
	Name string
	NR   int  // columns of a tile and of a panel of b
	Wide bool // products are summed in float64

	rows         int // of a tile
	tile         gemmTileF32
	indirectRows int
	indirect     indirectGemmTileF32
	largeL2      bool // a level-2 cache has room for tuning.LargeBlockBytes
}

type gemmTileF32 func(m, n, k int, a *float32, lda int, b, c *float32, ldc int,
	bias, residual *float32, ldr int, scale, floor float32, ahead uintptr, aheadStep int)

type indirectGemmTileF32 func(m, n, k int, a *float32, lda int, b, c *float32, ldc int,
	bias, residual *float32, ldr int, scale, floor float32, ahead uintptr, aheadStep int,
	rows *int32, taps, stride int, zero *float32)

// ProductF32 is what a product reads and writes:
//
//	for i := range M {
//		for j := range N {
//			acc := Bias[j]                         // or 0 if nil
//			for tap := range Taps {
//				for p := range K {
//					acc += row(tap, i)[p] * b[tap*K+p][j]
//				}
//			}
//			acc = Residual[i*LDR+j] + Scale*acc    // unless nil
//			C[i*LDC+j] = max(acc, 0) if ReLU, else acc
//		}
//	}
//
// Without Rows there is one tap, and row(0, i) is A[i*LDA:]. With it, row(tap, i) is
// A[r*LDA:] for r = Rows[tap*Stride+i], or Zero where r is negative: so a convolution
// reads the pixels under its kernel where they are, and Zero outside the image.
// C may be Residual.
type ProductF32 struct {
	M, N, K int
	Depth   int // most products that are summed before the sum goes into C: the fewer, the less rounding; 0 for any number

	A   []float32
	LDA int

	Rows   []int32
	Taps   int
	Stride int
	Zero   []float32 // K zeros

	B []float32 // packed: [ceil(N/NR)][Taps*K][NR], tail columns zero

	C   []float32
	LDC int

	Bias     []float32 // N
	Residual []float32
	LDR      int
	Scale    float32
	ReLU     bool

	// Rows may lie in lines of so many: row i is then at i/Line*NextC + i%Line*LDC of C and
	// i/Line*NextR + i%Line*LDR of Residual. No tile reaches from a line into the next, so
	// that taps outside the image for a whole line take no time. 0: all rows are one line.
	Line, NextC, NextR int
}

// Panels is how many panels of NR columns n columns take.
func (g *GemmF32) Panels(n int) int { return panels(n, g.NR) }

// Rows is the height of a tile, of products with Rows or without.
func (g *GemmF32) Rows(indirect bool) int {
	if indirect {
		return g.indirectRows
	}
	return g.rows
}

// Together is how many panels of a depth Run takes for each tile before it goes to the
// next: they stay in a level-2 cache.
func (g *GemmF32) Together(depth int) int {
	bytes := tuning.BlockBytes
	if g.largeL2 {
		bytes = tuning.LargeBlockBytes
	}
	return max(1, bytes/(depth*g.NR*4))
}

// PackedSize is how many floats Pack returns.
func (g *GemmF32) PackedSize(taps, k, n int) int { return g.Panels(n) * taps * k * g.NR }

// Pack puts b, [taps][k][n] with ldb floats from row to row, in the kernel's order:
// [ceil(n/NR)][taps*k][NR], tail columns zero.
func (g *GemmF32) Pack(b []float32, taps, k, n, ldb int) []float32 {
	packed := make([]float32, g.PackedSize(taps, k, n))
	g.PackInto(packed, b, taps, k, n, ldb, nil)
	return packed
}

// PackInto packs b into dst, which is zero in the tail columns, with column j
// multiplied by scale[j] unless scale is nil.
func (g *GemmF32) PackInto(dst, b []float32, taps, k, n, ldb int, scale []float32) {
	// In the order of b: it may have to come from memory, and dst is written there.
	for row := range taps * k {
		for panel := range g.Panels(n) {
			j := panel * g.NR
			width := min(g.NR, n-j)
			to, from := dst[(panel*taps*k+row)*g.NR:][:width], b[row*ldb+j:][:width]
			if scale == nil {
				copy(to, from)
				continue
			}
			for i, s := range scale[j:][:width] {
				to[i] = from[i] * s
			}
		}
	}
}

// Run computes rows i0 to i1 of the columns in panels p0 to p1. It panics where p's
// slices are too short.
func (g *GemmF32) Run(p *ProductF32, i0, i1, p0, p1 int) {
	l := p.layout()
	l.check(g.NR, i0, i1, p0, p1, extents{
		a: len(p.A), zero: len(p.Zero), b: len(p.B), c: len(p.C), bias: extent(p.Bias), residual: extent(p.Residual),
	})
	if i0 == i1 {
		return
	}
	most := g.Rows(p.Rows != nil)
	block := g.Together(l.taps * p.K)
	for first := p0; first < p1; first += block {
		last := min(first+block, p1)
		for i := i0; i < i1; {
			t := l.tile(i, i0, i1, most, last-first)
			for panel := first; panel < last; panel++ {
				g.sum(p, &t, panel)
			}
			i += t.rows
		}
	}
}

func (p *ProductF32) layout() productLayout {
	return productLayout{
		m: p.M, n: p.N, k: p.K, steps: p.K,
		a: uintptr(unsafe.Pointer(unsafe.SliceData(p.A))), size: 4, lda: p.LDA, depth: p.taps() * p.K,
		rows: p.Rows, taps: p.taps(), stride: p.Stride,
		line: p.Line, ldc: p.LDC, nextC: p.NextC, ldr: p.LDR, nextR: p.NextR,
	}
}

// sum computes a tile of one panel, in as many parts as the depth asks for. The first of
// several adds the bias and the residual, each later one adds itself to c, the last
// applies ReLU.
func (g *GemmF32) sum(p *ProductF32, t *tile, panel int) {
	depth := tuning.MaxDepth
	if p.Depth > 0 {
		depth = min(depth, p.Depth)
	}
	taps := max(1, depth/p.K)
	j := panel * g.NR
	n := min(g.NR, p.N-j)
	c := &p.C[t.c+j]
	bias, residual, ldr, scale := at(p.Bias, j), at(p.Residual, t.residual+j), p.LDR, p.Scale
	if residual == nil {
		scale = 1
	}
	for tap, end := t.tap0, 0; tap < t.tap1; tap = end {
		end = min((tap/taps+1)*taps, t.tap1)
		for k := 0; k < p.K; k += depth {
			steps := min(depth, p.K-k)
			floor := float32(math.Inf(-1))
			if p.ReLU && end == t.tap1 && k+steps == p.K {
				floor = 0
			}
			b := &p.B[((panel*p.taps()+tap)*p.K+k)*g.NR]
			if p.Rows == nil {
				g.tile(t.rows, n, steps, &p.A[t.row*p.LDA+k], p.LDA, b, c, p.LDC,
					bias, residual, ldr, scale, floor, t.ahead, t.step)
			} else {
				g.indirect(t.rows, n, steps, &p.A[k], p.LDA, b, c, p.LDC,
					bias, residual, ldr, scale, floor, t.ahead, t.step,
					&p.Rows[tap*p.Stride+t.row], end-tap, p.Stride, &p.Zero[k])
			}
			bias, residual, ldr = nil, c, p.LDC
			t.ahead += uintptr((end - tap) * (steps / 4) * t.step)
		}
	}
}

// at is the address of element i, or nil for no slice.
func at[T any](s []T, i int) *T {
	if s == nil {
		return nil
	}
	return &s[i]
}

func (p *ProductF32) taps() int {
	if p.Rows == nil {
		return 1
	}
	return p.Taps
}
