package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// eachGemmI8 runs a test on the products of 8-bit integers of every set, on those of AVX-512
// that are not its usual ones where it has VNNI, and on blocks in Go.
func eachGemmI8(t *testing.T, test func(t *testing.T, g *GemmI8)) {
	t.Helper()
	eachSet(t, func(t *testing.T, set *Set) { test(t, set.GemmI8) })
	for _, g := range append(otherGemmI8(), gemmI8InGo()) {
		t.Run(g.Name, func(t *testing.T) { test(t, g) })
	}
}

// extremes are random integers of which every other is the largest or smallest.
func extremes(r *rand.Rand, least, most int) int {
	switch r.IntN(4) {
	case 0:
		return least
	case 1:
		return most
	}
	return least + r.IntN(most-least+1)
}

// matrixU8 is rows of width random integers, stride apart.
func matrixU8(r *rand.Rand, rows, width, stride int) guardedOf[uint8] {
	g := newGuardedOf[uint8](max(0, (rows-1)*stride+width))
	for i := range rows {
		for j := range width {
			g.s[i*stride+j] = uint8(extremes(r, 0, 255))
		}
	}
	return g
}

func zerosI8(n int) []uint8 {
	g := newGuardedOf[uint8](n)
	clear(g.s)
	return g.s
}

// caseI8 is a product of 8-bit integers and what is asked for of it.
type caseI8 struct {
	m, n, k, taps           int
	integers, halves        bool
	residual, relu, inPlace bool
	zeroPoint               float32
	folded                  bool
	rare                    bool // are large weights
	walk                    *Geometry
}

// testProductI8 is a product with all that it reads and writes.
type testProductI8 struct {
	ProductI8
	a, c         guardedOf[uint8]
	scratch      guardedOf[uint8]
	cb, residual guardedOf[uint16]
	b            []int8 // [Taps*K][N]
}

func newProductI8(g *GemmI8, pc caseI8, r *rand.Rand) *testProductI8 {
	p := &testProductI8{ProductI8: ProductI8{M: pc.m, N: pc.n, K: pc.k, Taps: pc.taps, ReLU: pc.relu, ZeroPoint: pc.zeroPoint}}
	p.LDA = prime(pc.k + 1)
	rows, taps := pc.m, 1
	if g.Blocks() && pc.taps > 0 {
		geometry := besides(pc.m, pc.taps)
		pc.walk = &geometry
	}
	switch {
	case pc.walk != nil:
		p.Walk, p.Rows = NewWalk(*pc.walk), rowsUnder(*pc.walk) // which the test reads
		taps, rows, p.Stride = pc.walk.Kernel.Area(), pc.walk.Images*pc.walk.In.Area(), pc.m
		p.Zero = zerosI8(pc.k)
	case pc.taps > 0:
		taps = pc.taps
		rows = pc.m + 3
		p.Stride = pc.m + 2
		size := (pc.taps-1)*p.Stride + pc.m
		p.Rows = slices.Repeat([]int32{math.MaxInt32}, size+guardWords)[:size:size] // where no memory is
		for tap := range pc.taps {
			for i := range pc.m {
				p.Rows[tap*p.Stride+i] = int32(r.IntN(rows+1)) - 1
			}
		}
		p.Zero = zerosI8(pc.k)
	}
	p.a = matrixU8(r, rows, pc.k, p.LDA)
	p.A = p.a.s
	p.b = make([]int8, taps*pc.k*pc.n)
	for i := range p.b {
		p.b[i] = int8(extremes(r, -128, 127))
		if pc.rare && r.IntN(50) > 0 {
			p.b[i] = int8(r.IntN(41) - 20)
		}
	}
	p.B = make([]int8, g.PackedSize(taps, pc.k, pc.n))
	p.More = g.PackInto(p.B, p.b, taps, pc.k, pc.n)
	p.scratch = newGuardedOf[uint8](g.Scratch(p.Walk, pc.k))
	p.Scratch = p.scratch.s
	p.Scale, p.Bias = newGuarded(g.Panels(pc.n)*g.NR).s, newGuarded(g.Panels(pc.n)*g.NR).s
	spread := 255 * 128 * math.Sqrt(float64(taps*pc.k))
	for j := range p.Scale {
		p.Scale[j], p.Bias[j] = float32((0.5+r.Float64())/spread), float32(r.NormFloat64())
	}
	p.LDC, p.LDCB = prime(pc.n+1), prime(pc.n+7)
	p.c, p.cb = newGuardedOf[uint8]((pc.m-1)*p.LDC+pc.n), newGuardedOf[uint16]((pc.m-1)*p.LDCB+pc.n)
	if pc.integers {
		p.C = p.c.s
	}
	if pc.halves {
		p.CB = p.cb.s
	}
	p.Inverse = 90
	if pc.folded {
		for j := range p.Scale {
			p.Scale[j], p.Bias[j] = p.Inverse*p.Scale[j], p.Inverse*p.Bias[j]+pc.zeroPoint
		}
		p.Inverse = 0
	}
	if pc.residual {
		p.LDR = prime(p.LDCB + 1)
		if pc.inPlace {
			p.LDR = p.LDCB
		}
		p.residual = matrixBF16(r, pc.m, pc.n, p.LDR)
		p.Residual = p.residual.s
		if pc.inPlace && pc.halves {
			copy(p.CB, p.Residual)
			p.Residual = p.CB
		}
	}
	return p
}

// sum is one element's sum of products.
func (p *testProductI8) sum(i, j int) int {
	sum := 0
	for tap := range p.layout().taps {
		row := p.Zero
		if p.Rows == nil {
			row = p.A[i*p.LDA:]
		} else if at := p.Rows[tap*p.Stride+i]; at >= 0 {
			row = p.A[int(at)*p.LDA:]
		}
		for k := range p.K {
			sum += int(row[k]) * int(p.b[(tap*p.K+k)*p.N+j])
		}
	}
	return sum
}

// compare fails unless an element is within the bounds of the roundings of its definition.
func (p *testProductI8) compare(t *testing.T, what string, i, j, atR, at, atB int) {
	t.Helper()
	acc := float64(p.sum(i, j)) * float64(p.Scale[j])
	v, magnitude := acc+float64(p.Bias[j]), 2*math.Abs(acc)+math.Abs(float64(p.Bias[j]))
	if p.residual.s != nil {
		r := float64(FromBF16(p.residual.s[atR]))
		v, magnitude = v+r, magnitude+math.Abs(r)
	}
	if p.ReLU {
		v = max(v, 0)
	}
	bound := 3 * 0x1p-24 * magnitude
	if p.CB != nil {
		low, high := FromBF16(ToBF16(float32(v-bound))), FromBF16(ToBF16(float32(v+bound)))
		if got := FromBF16(p.CB[atB]); !(got >= low && got <= high) {
			t.Fatalf("%s: [%d][%d] is %g, want %g within %g in bfloat16", what, i, j, got, v, bound)
		}
	}
	if p.C == nil {
		return
	}
	if p.Inverse != 0 {
		v, bound = v*float64(p.Inverse)+float64(p.ZeroPoint), (bound+0x1p-23*math.Abs(v))*float64(p.Inverse)+0x1p-24*float64(p.ZeroPoint)
	}
	low, high := roundings(v, bound)
	if got := float64(p.C[at]); !(got >= low && got <= high) {
		t.Fatalf("%s: [%d][%d] is %g, want %g within %g", what, i, j, got, v, bound)
	}
}

// roundings are the least and the largest integer of 8 bits that a value may be rounded to which
// is within a bound.
func roundings(v, bound float64) (low, high float64) {
	limited := func(v float64) float64 { return min(max(v, 0), 255) }
	return limited(math.Ceil(v - bound - 0.5)), limited(math.Floor(v + bound + 0.5))
}

func testRunI8(t *testing.T, g *GemmI8, pc caseI8, r *rand.Rand) {
	t.Helper()
	p := newProductI8(g, pc, r)
	g.Run(&p.ProductI8, 0, p.M, 0, g.Panels(p.N))
	what := fmt.Sprintf("%s %+v", g.Name, pc)
	for i := range p.M {
		for j := range p.N {
			p.compare(t, what, i, j, i*p.LDR+j, i*p.LDC+j, i*p.LDCB+j)
		}
	}
	p.scratch.check(t, what+": Scratch")
	p.c.checkGaps(t, what+": C", p.M, p.N, p.LDC)
	if pc.inPlace && pc.residual {
		p.cb.check(t, what+": CB")
		return
	}
	p.cb.checkGaps(t, what+": CB", p.M, p.N, p.LDCB)
}

// randomI8 is what is asked for of a product.
func randomI8(r *rand.Rand, m, n, k, taps int) caseI8 {
	pc := caseI8{m: m, n: n, k: k, taps: taps, integers: true, zeroPoint: float32(128 * r.IntN(2)), rare: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		pc.folded = true
		return pc
	}
	pc.halves = r.IntN(2) == 0
	pc.integers = !pc.halves || r.IntN(2) == 0
	pc.residual, pc.relu, pc.inPlace = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
	return pc
}

func TestGemmI8(t *testing.T) {
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, indirect := range []bool{false, true} {
			rows := g.Rows(indirect)
			heights := []int{}
			for m := 1; m <= rows; m++ {
				heights = append(heights, m)
			}
			for _, m := range append(heights, 2*rows+1) {
				for n := 1; n <= 2*g.NR+1; n++ {
					for _, k := range []int{4, 8, 12, 16, 20, 52, 64} {
						taps := 0
						if indirect {
							taps = 1 + (m+n)%4
						}
						testRunI8(t, g, randomI8(r, m, n, k, taps), r)
					}
				}
			}
			for _, k := range []int{148, 256, 844, 2080} {
				pc := caseI8{m: 2*rows + 1, n: 2*g.NR + 1, k: k, integers: true, halves: true, residual: true, relu: true}
				if indirect {
					pc.taps = 9
				}
				testRunI8(t, g, pc, r)
			}
		}
	})
}

// The sums are exact, as float32, which have no other rounding where Scale is 1: with a Bias that takes
// a row's sums away, little is left of them. That holds for the largest integers and as many of them
// as there may be.
func TestGemmI8IsExact(t *testing.T) {
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, taps := range []int{0, 1, 7, 9} {
			for _, k := range []int{4, 64, 1540, MostI8 / max(1, taps) / 4 * 4} {
				p := newProductI8(g, caseI8{m: g.Rows(taps > 0) + 1, n: g.NR + 2, k: k, taps: taps, integers: true}, r)
				p.Inverse = 1
				if k > 1540 {
					// All of the largest, and the first columns of the other sign.
					for i := range p.A {
						p.A[i] = 255
					}
					for i := range p.b {
						p.b[i] = -128
						if i%p.N > 3 {
							p.b[i] = 127
						}
					}
					p.More = g.PackInto(p.B, p.b, max(1, taps), k, p.N)
				}
				for _, i := range []int{0, p.M / 2, p.M - 1} {
					for j := range p.N {
						p.Scale[j], p.Bias[j] = 1, float32(100+j%50)-float32(p.sum(i, j))
					}
					g.Run(&p.ProductI8, 0, p.M, 0, g.Panels(p.N))
					for j := range p.N {
						want := float32(p.sum(i, j)) + p.Bias[j]
						if got := p.C[i*p.LDC+j]; float32(got) != min(max(want, 0), 255) {
							t.Fatalf("%s, %d taps of %d: [%d][%d] is %d, want %g", g.Name, taps, k, i, j, got, want)
						}
					}
				}
			}
		}
	})
}

// Integers are rounded to the nearest, to even ones of two, and limited.
func TestGemmI8Rounds(t *testing.T) {
	values := map[float32]uint8{
		-1e30: 0, -3: 0, -0.5: 0, 0.5: 0, 0.50001: 1, 1.5: 2, 2.5: 2, 3.5: 4, 127.5: 128, 128.5: 128, 253.5: 254, 254.5: 254, 254.6: 255, 255: 255, 255.5: 255, 256: 255, 40000: 255,
	}
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		for v, want := range values {
			for _, general := range []bool{false, true} {
				p := newProductI8(g, caseI8{m: 3, n: g.NR, k: 4, integers: true, halves: general, folded: !general}, rand.New(rand.NewPCG(5, 6)))
				for j := range p.Scale {
					p.Scale[j], p.Bias[j] = 0, v
				}
				if general {
					p.Inverse = 1
					if v == 40000 {
						p.Inverse = 1e30
					}
				}
				g.Run(&p.ProductI8, 0, 3, 0, 1)
				for i := range 3 {
					for j := range p.N {
						if got := p.C[i*p.LDC+j]; got != want {
							t.Fatalf("%s, general %t: %g becomes %d, want %d", g.Name, general, v, got, want)
						}
					}
				}
			}
		}
	})
}

// Sums are rounded to the nearest bfloat16, to even ones of two, and NaN and infinities remain.
func TestGemmI8RoundsSums(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	values := map[float32]float32{
		1: 1, 0x1.01p0: 1, 0x1.010002p0: 0x1.02p0, 0x1.03p0: 0x1.04p0, -0x1.03p0: -0x1.04p0, 0x1.feffp0: 0x1.fep0, 0x1.ffp0: 2, 3e38: 0x1.c4p127, inf: inf, -inf: -inf,
	}
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		round := func(n int, v float32) *testProductI8 {
			p := newProductI8(g, caseI8{m: 3, n: n, k: 4, integers: true, halves: true}, rand.New(rand.NewPCG(5, 6)))
			for j := range p.Scale {
				p.Scale[j], p.Bias[j] = 0, v
			}
			g.Run(&p.ProductI8, 0, 3, 0, g.Panels(n))
			return p
		}
		for _, n := range []int{g.NR, g.NR + 1} { // of a panel, which may be written otherwise than a part
			for v, want := range values {
				p := round(n, v)
				for i := range p.M {
					for j := range p.N {
						if got := FromBF16(p.CB[i*p.LDCB+j]); got != want {
							t.Fatalf("%s: %g becomes %g, want %g", g.Name, v, got, want)
						}
					}
				}
			}
			if p := round(n, nan); !math.IsNaN(float64(FromBF16(p.CB[0]))) {
				t.Errorf("%s: NaN becomes %g", g.Name, FromBF16(p.CB[0]))
			}
		}
	})
}

// A Run of some rows and panels leaves the others alone.
func TestGemmI8Range(t *testing.T) {
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		for _, taps := range []int{0, 3} {
			p := newProductI8(g, caseI8{m: 40, n: 3*g.NR - 1, k: 12, taps: taps, integers: true, halves: true}, rand.New(rand.NewPCG(5, 6)))
			g.Run(&p.ProductI8, 11, 30, 1, 2)
			what := fmt.Sprintf("%s, %d taps", g.Name, taps)
			for i := range p.M {
				for j := range p.N {
					if i >= 11 && i < 30 && j >= g.NR && j < 2*g.NR {
						p.compare(t, what, i, j, 0, i*p.LDC+j, i*p.LDCB+j)
					} else if !p.c.kept(i*p.LDC+j) || !p.cb.kept(i*p.LDCB+j) {
						t.Fatalf("%s: [%d][%d] was written", what, i, j)
					}
				}
			}
		}
	})
}

// Rows in lines go to the columns of an image, and taps outside it for a line add nothing.
func TestGemmI8InLines(t *testing.T) {
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		r := rand.New(rand.NewPCG(13, 14))
		if g.Blocks() {
			t.Skip("blocks take no lines: a walk orders their rows, which TestWalk tests")
		}
		for line := 1; line <= 2*g.indirectRows+1; line++ {
			lines := 3
			p := newProductI8(g, caseI8{m: lines * line, n: g.NR + 3, k: 8, taps: 1 + line%5, integers: true, halves: line%2 == 0, relu: line%3 == 0}, r)
			for l := range lines { // of which the last is all outside
				for tap := range p.Taps {
					if l == 0 && tap > 0 || l == 1 && tap < p.Taps-1 || l == 2 {
						for i := range line {
							p.Rows[tap*p.Stride+l*line+i] = -1
						}
					}
				}
			}
			pitch, pitchB := p.LDC, p.LDCB
			p.Line, p.LDC, p.NextC, p.LDCB, p.NextCB = line, lines*pitch, pitch, lines*pitchB, pitchB
			split := r.IntN(p.M)
			g.Run(&p.ProductI8, 0, split, 0, g.Panels(p.N))
			g.Run(&p.ProductI8, split, p.M, 0, g.Panels(p.N))
			what := fmt.Sprintf("%s, lines of %d", g.Name, line)
			for i := range p.M {
				for j := range p.N {
					p.compare(t, what, i, j, 0, i%line*p.LDC+i/line*p.NextC+j, i%line*p.LDCB+i/line*p.NextCB+j)
				}
			}
			p.c.checkGaps(t, what, p.M, p.N, pitch)
			p.cb.checkGaps(t, what, p.M, p.N, pitchB)
		}
	})
}

// No pair of weights has products that a word may not be the sum of, and only what does not fit is
// taken a second time.
func TestMoreI8(t *testing.T) {
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		if !g.halves {
			t.Skipf("%s sums no products in words", g.Name)
		}
		const taps, k = 3, 12
		n := 2*g.NR - 3
		for _, c := range []struct{ first, second, entries int }{
			{64, 64, 0}, {-64, -64, 0}, {127, -128, 0}, {127, 1, 0}, {127, 2, 1}, {-128, -1, 1}, {-128, -128, 1}, {127, 127, 1},
		} {
			b := make([]int8, taps*k*n)
			for row, w := range map[int]int{2*k + 6: c.first, 2*k + 7: c.second} {
				b[row*n+g.NR+1] = int8(w)
			}
			m := g.PackInto(make([]int8, g.PackedSize(taps, k, n)), b, taps, k, n)
			if got := len(m.entries); got != c.entries*(2*g.NR+4) {
				t.Errorf("%d and %d: entries of %d bytes, want %d of %d", c.first, c.second, got, c.entries, 2*g.NR+4)
			}
			if c.entries > 0 && (m.starts[10] != 0 || m.starts[11] != int32(len(m.entries))) {
				t.Errorf("%d and %d: entries start at %d, want one for the last tap of the second panel", c.first, c.second, m.starts)
			}
		}
		r := rand.New(rand.NewPCG(11, 12))
		for range 20 {
			b, packed := make([]int8, taps*k*n), make([]int8, g.PackedSize(taps, k, n))
			for i := range b {
				b[i] = int8(extremes(r, -128, 127))
			}
			m := g.PackInto(packed, b, taps, k, n)
			for len(m.entries) > 0 {
				packed, m.entries = append(packed, m.entries[:2*g.NR]...), m.entries[2*g.NR+4:]
			}
			for i := 0; i < len(packed); i += 2 {
				if excess(packed[i:]) != 0 {
					t.Fatalf("%d and %d are a pair", packed[i], packed[i+1])
				}
			}
		}
		expectPanics(t, map[string]func(p *testProductI8){
			"no More":           func(p *testProductI8) { p.More = nil },
			"More of less":      func(p *testProductI8) { p.More = &MoreI8{taps: 1, k: 4, n: 10} },
			"More of more taps": func(p *testProductI8) { p.More.taps++ },
		}, func(spoil func(p *testProductI8)) {
			p := newProductI8(g, caseI8{m: 3, n: 10, k: 8, taps: 2, integers: true}, rand.New(rand.NewPCG(9, 10)))
			spoil(p)
			g.Run(&p.ProductI8, 0, 3, 0, 1)
		})
	})
}

func TestGemmI8RefusesShortSlices(t *testing.T) {
	set, err := For(Generic)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*GemmI8{set.GemmI8, gemmI8InGo()} {
		t.Run(g.Name, func(t *testing.T) { testShortI8(t, g) })
	}
}

func testShortI8(t *testing.T, g *GemmI8) {
	for _, taps := range []int{0, 2} {
		spoil := map[string]func(p *testProductI8){
			"A":          func(p *testProductI8) { p.A = p.A[:len(p.A)-1] },
			"B":          func(p *testProductI8) { p.B = p.B[:len(p.B)-1] },
			"C":          func(p *testProductI8) { p.C = p.C[:len(p.C)-1] },
			"CB":         func(p *testProductI8) { p.CB = p.CB[:len(p.CB)-1] },
			"Scale":      func(p *testProductI8) { p.Scale = p.Scale[:len(p.Scale)-1] },
			"Bias":       func(p *testProductI8) { p.Bias = p.Bias[:len(p.Bias)-1] },
			"Residual":   func(p *testProductI8) { p.Residual = p.Residual[:len(p.Residual)-1] },
			"M":          func(p *testProductI8) { p.M-- },
			"no K":       func(p *testProductI8) { p.K = 0 },
			"K of 6":     func(p *testProductI8) { p.K = 6 },
			"no Inverse": func(p *testProductI8) { p.Inverse = 0 },
			"LDA":        func(p *testProductI8) { p.LDA = -1 },
			"LDC":        func(p *testProductI8) { p.LDC = -1 },
			"LDCB":       func(p *testProductI8) { p.LDCB = -1 },
			"LDR":        func(p *testProductI8) { p.LDR = -1 },
		}
		if g.Blocks() {
			spoil["Scratch"] = func(p *testProductI8) { p.Scratch = p.Scratch[1:] }
		}
		if taps > 0 {
			spoil["Zero"] = func(p *testProductI8) { p.Zero = p.Zero[1:] }
		}
		if taps > 0 && !g.Blocks() {
			spoil["Rows"] = func(p *testProductI8) { p.Rows = p.Rows[1:] }
			spoil["row"] = func(p *testProductI8) { p.Rows[3] = 15 }
			spoil["Stride"] = func(p *testProductI8) { p.Stride = -1 }
			spoil["Taps"] = func(p *testProductI8) { p.Taps = 0 }
			spoil["many Taps"] = func(p *testProductI8) { p.Taps = MostI8/8 + 1 }
		}
		expectPanics(t, spoil, func(spoil func(p *testProductI8)) {
			p := newProductI8(g, caseI8{m: 11, n: 10, k: 8, taps: taps, integers: true, halves: true, residual: true}, rand.New(rand.NewPCG(9, 10)))
			if taps > 0 && !g.Blocks() {
				p.Rows[0] = 13 // the last row of A
			}
			spoil(p)
			g.Run(&p.ProductI8, 0, 11, 0, g.Panels(10))
		})
	}
}
