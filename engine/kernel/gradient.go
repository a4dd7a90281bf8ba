package kernel

import (
	"fmt"
	"slices"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// GradientF32 is a kernel for gradients of convolutions with respect to their weights:
// a tile and the loops around it.
type GradientF32 struct {
	Name string
	NR   int // columns of a tile

	rows int // of a tile
	tile gradientTileF32
}

type gradientTileF32 func(m, n, count int, pairs *[2]int, a, dy, c *float32, ldc int, add bool)

// WeightGradientF32 is what the gradient of a product with respect to its b reads and
// writes, M, N, K and A as they are in that ProductF32:
//
//	for tap := range Taps {
//		for p := range K {
//			for j := range N {
//				acc := 0
//				for i := range M {
//					acc += row(tap, i)[p] * DY[i*LDY+j]
//				}
//				DB[(tap*K+p)*LDB+j] = acc // += if Add
//			}
//		}
//	}
//
// Without Rows there is one tap, and row(0, i) is A[i*LDA:]. With it, images have Height
// rows of A and Stride of DY, and row(tap, i) is A[(i/Stride*Height+r)*LDA:] for
// r = Rows[tap*Stride+i%Stride]; where r is negative nothing is added, not even for a DY
// that is not a number. Nothing is packed.
type WeightGradientF32 struct {
	M, N, K int

	A   []float32
	LDA int

	Rows   []int32
	Taps   int
	Stride int
	Height int

	DY  []float32
	LDY int

	DB  []float32 // [Taps][K] rows of N
	LDB int

	Add bool
}

// GradientPart is the ranges, from the first to before the second, of a gradient's
// loops. Parts that differ in Taps, K or N write different elements of DB. Of parts
// that differ in M only one may write to a DB at a time, and all but the first Add. A
// part without M leaves DB as it is.
type GradientPart struct{ Taps, K, N, M [2]int }

// Rows is the height of a tile: parts of K that begin at its multiples waste nothing.
func (g *GradientF32) Rows() int { return g.rows }

// Whole is the part that is all of p.
func (p *WeightGradientF32) Whole() GradientPart {
	return GradientPart{Taps: [2]int{0, p.taps()}, K: [2]int{0, p.K}, N: [2]int{0, p.N}, M: [2]int{0, p.M}}
}

// GradientScratch is where a thread lists the pixels that are multiplied: where they
// are in A and in DY.
type GradientScratch [tuning.BlockPairs + tuning.AheadPairs][2]int

// Run computes a part. It panics where p's slices are too short.
func (g *GradientF32) Run(p *WeightGradientF32, part GradientPart, scratch *GradientScratch) {
	p.check(part)
	for i := part.M[0]; i < part.M[1]; i += tuning.BlockPairs {
		end := min(i+tuning.BlockPairs, part.M[1])
		for tap := part.Taps[0]; tap < part.Taps[1]; tap++ {
			count := p.list(scratch, tap, i, end)
			add := p.Add || i > part.M[0]
			if count > 0 || !add {
				clear(scratch[count:][:tuning.AheadPairs])
				g.sum(p, part, tap, count, scratch, add)
			}
		}
	}
}

// list lists the pixels from i to end that tap has a row for.
func (p *WeightGradientF32) list(scratch *GradientScratch, tap, i, end int) int {
	if p.Rows == nil {
		for at := range end - i {
			scratch[at] = [2]int{(i + at) * p.LDA, (i + at) * p.LDY}
		}
		return end - i
	}
	count := 0
	for i < end {
		image, first := i/p.Stride, i%p.Stride
		last := min(first+end-i, p.Stride)
		for at, row := range p.Rows[tap*p.Stride+first : tap*p.Stride+last] {
			scratch[count] = [2]int{(image*p.Height + int(row)) * p.LDA, (i + at) * p.LDY}
			if row >= 0 {
				count++
			}
		}
		i += last - first
	}
	return count
}

// sum does the tiles of one tap. The values of A that a tile takes are used for every
// panel of DY before the next tile's, as there are fewer panels than tiles or as many.
func (g *GradientF32) sum(p *WeightGradientF32, part GradientPart, tap, count int, pairs *GradientScratch, add bool) {
	for k := part.K[0]; k < part.K[1]; {
		// Tiles of about equal height.
		tiles := (part.K[1] - k + g.rows - 1) / g.rows
		m := (part.K[1] - k + tiles - 1) / tiles
		for j := part.N[0]; j < part.N[1]; j += g.NR {
			n := min(g.NR, part.N[1]-j)
			g.tile(m, n, count, &pairs[0], &p.A[k], &p.DY[j], &p.DB[(tap*p.K+k)*p.LDB+j], p.LDB, add)
		}
		k += m
	}
}

func (p *WeightGradientF32) taps() int {
	if p.Rows == nil {
		return 1
	}
	return p.Taps
}

// check panics unless everything that a Run reads and writes lies inside the slices.
func (p *WeightGradientF32) check(part GradientPart) {
	whole := p.Whole()
	for _, r := range [][2][2]int{{part.Taps, whole.Taps}, {part.K, whole.K}, {part.N, whole.N}, {part.M, whole.M}} {
		if r[0][0] < 0 || r[0][0] > r[0][1] || r[0][1] > r[1][1] {
			panic(fmt.Sprintf("kernel: part %v of a gradient of %v", part, whole))
		}
	}
	if p.K < 1 || p.N < 1 || p.taps() < 1 {
		panic(fmt.Sprintf("kernel: a gradient of %v", whole))
	}
	if p.Rows == nil {
		need("A", len(p.A), part.M[1], p.LDA, p.K)
	} else {
		if p.Stride < 1 || p.Height < 1 {
			panic(fmt.Sprintf("kernel: a gradient of images of %d rows, and %d of DY", p.Height, p.Stride))
		}
		need("Rows", len(p.Rows), p.Taps, p.Stride, p.Stride)
		if part.Taps[0] < part.Taps[1] {
			highest := int(slices.Max(p.Rows[part.Taps[0]*p.Stride : part.Taps[1]*p.Stride]))
			images := (part.M[1] + p.Stride - 1) / p.Stride
			need("A", len(p.A), max((images-1)*p.Height+highest, 0)+1, p.LDA, p.K)
		}
	}
	need("DY", len(p.DY), part.M[1], p.LDY, p.N)
	need("DB", len(p.DB), p.taps()*p.K, p.LDB, p.N)
}
