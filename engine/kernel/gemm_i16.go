package kernel

import (
	"fmt"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// GemmI16 is a kernel for products of 16-bit integers with sums modulo 1<<32: a tile, the order
// it wants b in and the loops around it.
type GemmI16 struct {
	Name string
	NR   int // columns of a tile and of a panel of b

	bytes int // products of GemmI8 that take as long as one
	rows  int // of a tile
	tile  gemmTileI16
}

type gemmTileI16 func(m, n, pairs int, a *int16, lda int, b *int16, c *int32, ldc int, ahead uintptr, aheadStep int)

// ProductI16 is what a product reads and writes, for each row i and column j:
//
//	C[i*LDC+j] = sum of A[i*LDA+k] * b[k][j] over k < K, modulo 1<<32
type ProductI16 struct {
	M, N, K int // K is even

	A   []int16
	LDA int

	B []int16 // packed: [ceil(N/NR)][K/2][NR][2], tail columns zero

	C   []int32
	LDC int
}

// Panels is how many panels of NR columns n columns take.
func (g *GemmI16) Panels(n int) int { return panels(n, g.NR) }

// PackedSize is how many elements b takes when it is packed.
func (g *GemmI16) PackedSize(k, n int) int { return g.Panels(n) * k * g.NR }

// Run computes all rows. It panics where p's slices are too short or K is odd.
func (g *GemmI16) Run(p *ProductI16) {
	if p.K%2 != 0 {
		panic(fmt.Sprintf("kernel: products of 16-bit integers are summed in pairs, and K is %d", p.K))
	}
	panels := g.Panels(p.N)
	l := productLayout{m: p.M, n: p.N, k: p.K, depth: p.K, lda: p.LDA, taps: 1, ldc: p.LDC}
	l.check(g.NR, 0, p.M, 0, panels, extents{a: len(p.A), b: len(p.B), c: len(p.C), bias: -1, residual: -1})
	tiles := (p.M + g.rows - 1) / g.rows
	block := max(1, tuning.BlockBytes/(2*p.K*g.NR))
	for first := 0; first < panels; first += block {
		last := min(first+block, panels)
		// Each tile asks for its part of the rows that the next one reads, two lines in four steps.
		calls := p.K / 8 * (last - first)
		for i := range tiles {
			top, bottom, next := i*p.M/tiles, (i+1)*p.M/tiles, min((i+2)*p.M/tiles, p.M)
			ahead, step := uintptr(unsafe.Pointer(&p.A[top*p.LDA])), 0
			if next > bottom && calls > 0 {
				ahead, step = uintptr(unsafe.Pointer(&p.A[bottom*p.LDA])), min(2*tuning.CacheLine, (2*(next-bottom)*p.LDA+calls-1)/calls)
			}
			for panel := first; panel < last; panel++ {
				j := panel * g.NR
				g.tile(bottom-top, min(g.NR, p.N-j), p.K/2, &p.A[top*p.LDA], p.LDA, &p.B[panel*p.K*g.NR], &p.C[top*p.LDC+j], p.LDC, ahead, step)
				ahead += uintptr(p.K / 8 * step)
			}
		}
	}
}
