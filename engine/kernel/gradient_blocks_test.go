package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// What AMX's kernels arrange, in plain Go.
func packingInGo() packingBF16 {
	row := func(a *uint16, lda int, rows *int32, zero *uint16, i int) *uint16 {
		switch {
		case rows == nil:
			return offset(a, i*lda/2)
		case *offset(rows, i) < 0:
			return zero
		}
		return offset(a, int(*offset(rows, i))*lda/2)
	}
	whole := func(n, of int) int { return ceilDivide(n, of) * of }
	return packingBF16{
		interleave: func(pairs, n int, a *uint16, lda int, rows *int32, zero, to *uint16, panel int) {
			for p := range pairs {
				for j := range whole(n, 32) {
					for odd := range 2 {
						v := uint16(0)
						if j < n {
							v = *offset(row(a, lda, rows, zero, 2*p+odd), j)
						}
						*offset(to, j/32*panel/2+p*64+j%32*2+odd) = v
					}
				}
			}
		},
		transpose: func(blocks, n int, a *uint16, lda int, rows *int32, zero, to *uint16, pitch int) {
			for i := range 32 * blocks {
				for j := range whole(n, 16) {
					v := uint16(0)
					if j < n {
						v = *offset(row(a, lda, rows, zero, i), j)
					}
					*offset(to, j*pitch/2+i) = v
				}
			}
		},
		pairs: func(m, n int, a *uint16, lda int, to *uint16) {
			for i := range 16 {
				for j := range whole(n, 32) {
					v := uint16(0)
					if i < m && j < n {
						v = *offset(a, i*lda/2+j)
					}
					*offset(to, j/2*64+2*i+j%2) = v
				}
			}
		},
	}
}

// eachGradientBF16 runs a test on AMX's gradients, and on blocks in Go.
func eachGradientBF16(t *testing.T, test func(t *testing.T, g *GradientBF16)) {
	t.Helper()
	eachSet(t, func(t *testing.T, set *Set) {
		if set.GradientBF16 == nil {
			t.Skipf("%s has no gradients of bfloat16", set.ISA)
		}
		test(t, set.GradientBF16)
	})
	t.Run("blocks", func(t *testing.T) { test(t, &GradientBF16{"blocks in Go", blockBF16InGo, packingInGo()}) })
}

// What is arranged lies where its definition says, and nothing else is read or written.
func TestArrangeBF16(t *testing.T) {
	eachGradientBF16(t, func(t *testing.T, g *GradientBF16) {
		r, reference := rand.New(rand.NewPCG(1, 2)), packingInGo()
		for n := 1; n < 100; n++ {
			lda, blocks := prime(n+1), 1+n%3
			a := matrixBF16(r, 40, n, lda)
			rows := make([]int32, 32*blocks)
			for i := range rows {
				rows[i] = int32(r.IntN(41)) - 1
			}
			table, zero := &rows[0], zerosBF16(n)
			if n%4 == 0 && blocks == 1 {
				table = nil
			}
			panel, pitch := 128*16*blocks+64, 64*blocks+64
			compare := func(what string, size int, run func(p *packingBF16, to *uint16)) {
				t.Helper()
				got, want := newGuardedOf[uint16](size), newGuardedOf[uint16](size)
				run(&g.packingBF16, &got.s[0])
				run(&reference, &want.s[0])
				if !slices.Equal(got.all, want.all) {
					t.Fatalf("%s of %d channels, %d blocks, differs", what, n, blocks)
				}
			}
			compare("interleaving", panel/2*ceilDivide(n, 32), func(p *packingBF16, to *uint16) {
				p.interleave(16*blocks, n, &a.s[0], 2*lda, table, &zero[0], to, panel)
			})
			compare("transposition", pitch/2*ceilDivide(n, 16)*16, func(p *packingBF16, to *uint16) {
				p.transpose(blocks, n, &a.s[0], 2*lda, table, &zero[0], to, pitch)
			})
			compare("transposition of pairs", 1024*ceilDivide(n, 32), func(p *packingBF16, to *uint16) {
				p.pairs(n%17, n, &a.s[0], 2*lda, to)
			})
		}
	})
}

// Gradients are within the bound of sums in float32 of those in float64, in whatever parts they
// are computed, and do not depend on these.
func TestGradientBF16(t *testing.T) {
	eachGradientBF16(t, func(t *testing.T, g *GradientBF16) {
		r := rand.New(rand.NewPCG(3, 4))
		for i, geometry := range append(walked(), Geometry{Window: Sliding(Square(1)), Images: 3, In: Pair{9, 7}, Out: Pair{9, 7}}) {
			if geometry.InputDilation != Square(1) {
				continue
			}
			k, n := 1+r.IntN(70), 1+r.IntN(100)
			if geometry.In.Area() > 2000 {
				k, n = 5, 3
			}
			testGradientBF16(t, g, r, geometry, k, n, i%2 == 0)
		}
	})
}

func testGradientBF16(t *testing.T, g *GradientBF16, r *rand.Rand, geometry Geometry, k, n int, rounded bool) {
	t.Helper()
	var walk *Walk
	if !geometry.Pointwise() {
		walk = NewWalk(geometry)
	}
	inputs, outputs, taps := geometry.Images*geometry.In.Area(), geometry.Images*geometry.Out.Area(), geometry.Kernel.Area()
	p := &WeightGradientBF16{GradientPlan: NewGradientPlan(walk, outputs, k, n), LDA: prime(k + 1), LDY: prime(n + 1), LDB: prime(n + 2), Rounded: rounded, Zero: zerosBF16(max(k, n))}
	p.A, p.DY = matrixBF16(r, inputs, k, p.LDA).s, matrixBF16(r, outputs, n, p.LDY).s
	x, y := newGuardedOf[uint16](p.InputSize()), newGuardedOf[uint16](p.GradientSize())
	p.X, p.Y = x.s, y.s
	what := fmt.Sprintf("%s, %+v, %d to %d", g.Name, geometry, k, n)
	var first []float32
	for _, parts := range []int{1, 3} {
		db := newGuarded((taps*k-1)*p.LDB + n)
		p.DB = db.s
		for part := range parts {
			g.Arrange(p, part, parts)
		}
		for part := range parts {
			t0, t1 := part*p.Tasks()/parts, (part+1)*p.Tasks()/parts
			middle := p.Panels() / parts
			sums := newGuardedOf[uint8](p.SumsSize(t1 - t0))
			if middle > 0 {
				g.Sum(p, t0, t1, 0, middle, sums.s)
			}
			if middle < p.Panels() {
				g.Sum(p, t0, t1, middle, p.Panels(), sums.s)
			}
			sums.check(t, what+": sums")
		}
		db.checkGaps(t, what, taps*k, n, p.LDB)
		x.check(t, what+": X")
		y.check(t, what+": Y")
		if first == nil {
			first = db.s
		}
		for i := range taps * k {
			if !slices.Equal(db.s[i*p.LDB:][:n], first[i*p.LDB:][:n]) {
				t.Fatalf("%s: row %d in %d parts is not that in one", what, i, parts)
			}
		}
	}
	rows := rowsUnder(geometry)
	for tap := range taps {
		for c := 0; c < k; c += 1 + r.IntN(8) {
			for j := 0; j < n; j += 1 + r.IntN(8) {
				want, sum := 0.0, 0.0
				for i := range outputs {
					if at := rows[tap*outputs+i]; at >= 0 {
						v := float64(FromBF16(p.A[int(at)*p.LDA+c])) * float64(FromBF16(p.DY[i*p.LDY+j]))
						want, sum = want+v, sum+math.Abs(v)
					}
				}
				bound := float64(outputs+4) * 0x1p-24 * sum
				if rounded {
					bound += 0x1p-8 * math.Abs(want)
				}
				if got := first[(tap*k+c)*p.LDB+j]; !(math.Abs(float64(got)-want) <= bound) || rounded && FromBF16(ToBF16(got)) != got {
					t.Fatalf("%s: [%d][%d][%d] is %g, want %g within %g, rounded %t", what, tap, c, j, got, want, bound, rounded)
				}
			}
		}
	}
}
