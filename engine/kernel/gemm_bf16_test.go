package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// eachGemmBF16 runs a test on the products of bfloat16 of every ISA that has them, and on blocks
// in Go.
func eachGemmBF16(t *testing.T, test func(t *testing.T, g *GemmBF16)) {
	t.Helper()
	eachSet(t, func(t *testing.T, set *Set) {
		if set.GemmBF16 == nil {
			t.Skipf("%s of this machine has no instructions on bfloat16", set.ISA)
		}
		test(t, set.GemmBF16)
	})
	t.Run("blocks", func(t *testing.T) { test(t, gemmBF16InGo()) })
}

// matrixBF16 is matrix in bfloat16.
func matrixBF16(r *rand.Rand, rows, width, stride int) guardedOf[uint16] {
	g := newGuardedOf[uint16](max(0, (rows-1)*stride+width))
	for i := range rows {
		for j := range width {
			g.s[i*stride+j] = ToBF16(float32(r.NormFloat64()))
		}
	}
	return g
}

func zerosBF16(n int) []uint16 {
	g := newGuardedOf[uint16](n)
	clear(g.s)
	return g.s
}

// testProductBF16 is a product with all that it reads and writes.
type testProductBF16 struct {
	ProductBF16
	a, c, residual guardedOf[uint16]
	scratch        guardedOf[uint8]
	cf, bias       guarded
	b              []float32 // [Taps*K][N+3], of bfloat16
}

func newProductBF16(g *GemmBF16, pc productCase, r *rand.Rand) *testProductBF16 {
	p := &testProductBF16{ProductBF16: ProductBF16{M: pc.m, N: pc.n, K: pc.k, Taps: pc.taps, ReLU: pc.relu}}
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
		p.Zero = zerosBF16(pc.k)
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
		p.Zero = zerosBF16(pc.k)
	}
	p.a = matrixBF16(r, rows, pc.k, p.LDA)
	p.A = p.a.s
	p.b = make([]float32, taps*pc.k*(pc.n+3))
	for i := range p.b {
		p.b[i] = FromBF16(ToBF16(float32(r.NormFloat64())))
	}
	p.B = zerosBF16(g.PackedSize(taps, pc.k, pc.n))
	g.PackInto(p.B, p.b, taps, pc.k, pc.n, pc.n+3, nil)
	if pc.bias {
		p.bias = matrix(r, 1, pc.n, 0)
		p.Bias = p.bias.s
	}
	p.scratch = newGuardedOf[uint8](g.Scratch(p.Walk, pc.k))
	p.Scratch = p.scratch.s
	p.LDC = prime(pc.n + 1)
	p.c = newGuardedOf[uint16]((pc.m-1)*p.LDC + pc.n)
	p.cf = newGuarded((pc.m-1)*p.LDC + pc.n)
	p.C, p.CF = p.c.s, p.cf.s
	if pc.residual {
		p.Scale = 0.17
		p.LDR = prime(p.LDC + 1)
		if pc.inPlace {
			p.LDR = p.LDC
		}
		p.residual = matrixBF16(r, pc.m, pc.n, p.LDR)
		p.Residual = p.residual.s
		if pc.inPlace {
			copy(p.C, p.Residual)
			p.Residual = p.C
		}
	}
	return p
}

// want is one element of the product in float64, and the error it may have before it is
// rounded to bfloat16.
func (p *testProductBF16) want(i, j int, residual []uint16) (value, bound float64) {
	sum, taps := 0.0, p.layout().taps
	for tap := range taps {
		row := p.Zero
		if p.Rows == nil {
			row = p.A[i*p.LDA:]
		} else if at := p.Rows[tap*p.Stride+i]; at >= 0 {
			row = p.A[int(at)*p.LDA:]
		}
		for k := range p.K {
			x := float64(FromBF16(row[k])) * float64(p.b[(tap*p.K+k)*(p.N+3)+j])
			value += x
			sum += math.Abs(x)
		}
	}
	if p.Bias != nil {
		value += float64(p.Bias[j])
		sum += math.Abs(float64(p.Bias[j]))
	}
	if residual != nil {
		r := float64(FromBF16(residual[i*p.LDR+j]))
		value = r + float64(p.Scale)*value
		sum = math.Abs(r) + math.Abs(float64(p.Scale))*sum
	}
	if p.ReLU {
		value = max(value, 0)
	}
	return value, float64(taps*p.K+4) * 0x1p-24 * sum
}

// compare fails unless an element in float32 is within its bound and that in bfloat16 is
// the nearest to it.
func (p *testProductBF16) compare(t *testing.T, what string, i, j int, residual []uint16, at int) {
	t.Helper()
	want, bound := p.want(i, j, residual)
	if got := float64(p.CF[at]); !(math.Abs(got-want) <= bound) {
		t.Fatalf("%s: [%d][%d] is %g, want %g within %g", what, i, j, got, want, bound)
	}
	got := float64(FromBF16(p.C[at]))
	if bound += 0x1p-8 * (math.Abs(want) + bound); !(math.Abs(got-want) <= bound) {
		t.Fatalf("%s: [%d][%d] is, in bfloat16, %g, want %g within %g", what, i, j, got, want, bound)
	}
	if p.C[at] != ToBF16(p.CF[at]) {
		t.Fatalf("%s: [%d][%d] is %g in bfloat16, of %g", what, i, j, got, p.CF[at])
	}
}

// runBoth computes both kinds of results, float32 first: C may be the residual.
func (p *testProductBF16) runBoth(g *GemmBF16, i0, i1, p0, p1 int) {
	p.ToF32 = true
	g.Run(&p.ProductBF16, i0, i1, p0, p1)
	p.ToF32 = false
	g.Run(&p.ProductBF16, i0, i1, p0, p1)
}

func testRunBF16(t *testing.T, g *GemmBF16, pc productCase, r *rand.Rand) {
	t.Helper()
	p := newProductBF16(g, pc, r)
	p.runBoth(g, 0, p.M, 0, g.Panels(p.N))
	what := fmt.Sprintf("%s %+v", g.Name, pc)
	for i := range p.M {
		for j := range p.N {
			p.compare(t, what, i, j, p.residual.s, i*p.LDC+j)
		}
	}
	p.scratch.check(t, what+": Scratch")
	p.cf.checkGaps(t, what+": CF", p.M, p.N, p.LDC)
	if pc.inPlace && pc.residual {
		p.c.check(t, what+": C")
		return
	}
	p.c.checkGaps(t, what+": C", p.M, p.N, p.LDC)
}

func TestGemmBF16(t *testing.T) {
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, indirect := range []bool{false, true} {
			rows := g.Rows(indirect)
			heights := []int{}
			for m := 1; m <= rows; m++ {
				heights = append(heights, m)
			}
			heights = append(heights, 2*rows+1)
			for _, m := range heights {
				for n := 1; n <= 2*g.NR+1; n++ {
					for _, k := range []int{2, 4, 6, 8, 10, 26, 32} {
						pc := productCase{m: m, n: n, k: k,
							bias: r.IntN(2) == 0, residual: r.IntN(2) == 0, relu: r.IntN(2) == 0, inPlace: r.IntN(2) == 0}
						if indirect {
							pc.taps = 1 + (m+n)%4
						}
						testRunBF16(t, g, pc, r)
					}
				}
			}
			for _, k := range []int{74, 128, 422, 2080} {
				pc := productCase{m: 2*rows + 1, n: 2*g.NR + 1, k: k, bias: true, residual: true, relu: true}
				if indirect {
					pc.taps = 9
				}
				testRunBF16(t, g, pc, r)
			}
		}
	})
}

// A Run of some rows and panels leaves the others alone.
func TestGemmBF16Range(t *testing.T) {
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		for _, taps := range []int{0, 3} {
			p := newProductBF16(g, productCase{m: 40, n: 3*g.NR - 1, k: 6, taps: taps, bias: true}, rand.New(rand.NewPCG(5, 6)))
			p.runBoth(g, 11, 30, 1, 2)
			what := fmt.Sprintf("%s, %d taps", g.Name, taps)
			for i := range p.M {
				for j := range p.N {
					at := i*p.LDC + j
					if i >= 11 && i < 30 && j >= g.NR && j < 2*g.NR {
						p.compare(t, what, i, j, nil, at)
					} else if !p.c.kept(at) || !p.cf.kept(at) {
						t.Fatalf("%s: [%d][%d] was written", what, i, j)
					}
				}
			}
		}
	})
}

// Rows in lines go to the columns of an image, and taps outside it for a line add nothing.
func TestGemmBF16InLines(t *testing.T) {
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		r := rand.New(rand.NewPCG(13, 14))
		if g.Blocks() {
			t.Skip("blocks take no lines: a walk orders their rows, which TestWalk tests")
		}
		for line := 1; line <= 2*g.indirectRows+1; line++ {
			lines := 3
			pc := productCase{m: lines * line, n: g.NR + 3, k: 6, taps: 1 + line%5, bias: true, residual: line%2 == 0, relu: line%3 == 0}
			p := newProductBF16(g, pc, r)
			for l := range lines { // of which the last is all outside
				for tap := range p.Taps {
					if l == 0 && tap > 0 || l == 1 && tap < p.Taps-1 || l == 2 {
						for i := range line {
							p.Rows[tap*p.Stride+l*line+i] = -1
						}
					}
				}
			}
			pitch, pitchR := p.LDC, p.LDR
			p.Line, p.LDC, p.NextC, p.LDR, p.NextR = line, lines*pitch, pitch, lines*pitchR, pitchR
			split := r.IntN(p.M)
			p.runBoth(g, 0, split, 0, g.Panels(p.N))
			p.runBoth(g, split, p.M, 0, g.Panels(p.N))
			var residual []uint16
			if pc.residual {
				residual = make([]uint16, p.M*pitchR)
				for i := range p.M {
					copy(residual[i*pitchR:][:p.N], p.Residual[i%line*p.LDR+i/line*p.NextR:])
				}
			}
			p.LDR = pitchR
			what := fmt.Sprintf("%s, lines of %d", g.Name, line)
			for i := range p.M {
				for j := range p.N {
					p.compare(t, what, i, j, residual, i%line*p.LDC+i/line*p.NextC+j)
				}
			}
			p.c.checkGaps(t, what, p.M, p.N, pitch)
			p.cf.checkGaps(t, what, p.M, p.N, pitch)
		}
	})
}

// Packed are the bits of the nearest bfloat16 in pairs, and zeros in the tail.
func TestPackBF16(t *testing.T) {
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		r := rand.New(rand.NewPCG(11, 12))
		for n := 1; n <= 2*g.NR+1; n++ {
			taps, k := 1+n%4, 2+n%7*2
			ldb := prime(n + 1)
			b := matrix(r, taps*k, n, ldb).s
			var scale []float32
			if n%2 == 0 {
				scale = matrix(r, 1, n, 0).s
			}
			packed := newGuardedOf[uint16](g.PackedSize(taps, k, n))
			clear(packed.s)
			if scale != nil {
				g.PackInto(packed.s, b, taps, k, n, ldb, scale)
			} else {
				packed = newGuardedOf[uint16](len(packed.s)) // of which it clears the tails
				for part := range g.PackParts(taps, k) {
					g.PackPart(packed.s, b, taps, k, n, ldb, part, make([]uint16, g.PackScratch(n)))
				}
			}
			packed.check(t, "packing")
			for at, got := range packed.s {
				depth := g.depth(taps, k)
				odd, column, pair := at%2, at/2%g.NR, at/2/g.NR%(depth/2)
				each := g.depth(1, k)
				tap, inTap, j := (2*pair+odd)/each, (2*pair+odd)%each, at/(depth*g.NR)*g.NR+column
				row, want := tap*k+inTap, uint16(0)
				if j < n && inTap < k {
					v := b[row*ldb+j]
					if scale != nil {
						v *= scale[j]
					}
					want = ToBF16(v)
				}
				if got != want {
					t.Fatalf("%s: n %d, row %d, column %d is %#x, want %#x", g.Name, n, row, j, got, want)
				}
			}
		}
	})
}

// Transposed weights are packed as those that they are a transposition of.
func TestPackTransposedBF16(t *testing.T) {
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		if g.packing == nil {
			t.Skip("only blocks, whose gradients are of bfloat16, pack transposed weights")
		}
		r := rand.New(rand.NewPCG(15, 16))
		for n := 1; n <= 2*g.NR+1; n++ {
			taps, k, flipped := 1+n%4, 2+n%37*2, n%3 == 0
			ldb := prime(k + 1)
			b := matrix(r, taps*n, k, ldb).s
			plain := make([]float32, taps*k*n)
			for tap := range taps {
				from := tap
				if flipped {
					from = taps - 1 - tap
				}
				for i := range k {
					for j := range n {
						plain[(tap*k+i)*n+j] = b[(from*n+j)*ldb+i]
					}
				}
			}
			want, got := make([]uint16, g.PackedSize(taps, k, n)), newGuardedOf[uint16](g.PackedSize(taps, k, n))
			g.PackInto(want, plain, taps, k, n, n, nil)
			for part := range g.TransposedParts(taps, n) {
				g.PackTransposed(got.s, b, taps, k, n, ldb, flipped, part, make([]uint16, g.PackScratch(k)))
			}
			got.check(t, "packing")
			if !slices.Equal(got.s, want) {
				t.Fatalf("%s: %d taps of %d to %d channels, flipped %t, differ", g.Name, taps, k, n, flipped)
			}
		}
	})
}

// Rounded sums are float32 values of bfloat16.
func TestGemmBF16Rounded(t *testing.T) {
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		r := rand.New(rand.NewPCG(17, 18))
		for _, taps := range []int{0, 3} {
			p := newProductBF16(g, productCase{m: 2*g.Rows(false) + 1, n: 2*g.NR + 3, k: 70, taps: taps}, r)
			p.runBoth(g, 0, p.M, 0, g.Panels(p.N))
			p.ToF32, p.Rounded = true, true
			g.Run(&p.ProductBF16, 0, p.M, 0, g.Panels(p.N))
			for i := range p.M {
				for j := range p.N {
					if at := i*p.LDC + j; p.CF[at] != FromBF16(p.C[at]) {
						t.Fatalf("%s: [%d][%d] is %g, and in bfloat16 %g", g.Name, i, j, p.CF[at], FromBF16(p.C[at]))
					}
				}
			}
			p.cf.checkGaps(t, g.Name, p.M, p.N, p.LDC)
		}
	})
}

// Not a number stays so through ReLU and rounding.
func TestGemmBF16KeepsNaN(t *testing.T) {
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		p := newProductBF16(g, productCase{m: 2, n: g.NR, k: 4, relu: true}, rand.New(rand.NewPCG(7, 8)))
		p.A[p.LDA] = ToBF16(float32(math.NaN()))
		p.runBoth(g, 0, 2, 0, 1)
		for j := range p.N {
			for _, v := range [][2]float32{{p.CF[j], p.CF[p.LDC+j]}, {FromBF16(p.C[j]), FromBF16(p.C[p.LDC+j])}} {
				if math.IsNaN(float64(v[0])) || !math.IsNaN(float64(v[1])) {
					t.Fatalf("%s: column %d is %g and %g, want a number and NaN", g.Name, j, v[0], v[1])
				}
			}
		}
	})
}

func TestGemmBF16RefusesShortSlices(t *testing.T) {
	set, err := For(Generic)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*GemmBF16{set.GemmBF16, gemmBF16InGo()} {
		t.Run(g.Name, func(t *testing.T) { testShortBF16(t, g) })
	}
}

func testShortBF16(t *testing.T, g *GemmBF16) {
	for _, taps := range []int{0, 2} {
		spoil := map[string]func(p *testProductBF16){
			"A":        func(p *testProductBF16) { p.A = p.A[:len(p.A)-1] },
			"B":        func(p *testProductBF16) { p.B = p.B[:len(p.B)-1] },
			"C":        func(p *testProductBF16) { p.C = p.C[:len(p.C)-1] },
			"CF":       func(p *testProductBF16) { p.CF, p.ToF32 = p.CF[:len(p.CF)-1], true },
			"Bias":     func(p *testProductBF16) { p.Bias = p.Bias[:p.N-1] },
			"Residual": func(p *testProductBF16) { p.Residual = p.Residual[:len(p.Residual)-1] },
			"M":        func(p *testProductBF16) { p.M-- },
			"no K":     func(p *testProductBF16) { p.K = 0 },
			"odd K":    func(p *testProductBF16) { p.K = 5 },
			"LDA":      func(p *testProductBF16) { p.LDA = -1 },
			"LDC":      func(p *testProductBF16) { p.LDC = -1 },
			"LDR":      func(p *testProductBF16) { p.LDR = -1 },
		}
		if g.Blocks() {
			spoil["Scratch"] = func(p *testProductBF16) { p.Scratch = p.Scratch[1:] }
		}
		if taps > 0 {
			spoil["Zero"] = func(p *testProductBF16) { p.Zero = p.Zero[1:] }
		}
		if taps > 0 && !g.Blocks() {
			spoil["Rows"] = func(p *testProductBF16) { p.Rows = p.Rows[1:] }
			spoil["row"] = func(p *testProductBF16) { p.Rows[3] = 15 }
			spoil["Stride"] = func(p *testProductBF16) { p.Stride = -1 }
			spoil["Taps"] = func(p *testProductBF16) { p.Taps = 0 }
		}
		expectPanics(t, spoil, func(spoil func(p *testProductBF16)) {
			p := newProductBF16(g, productCase{m: 11, n: 10, k: 6, taps: taps, bias: true, residual: true}, rand.New(rand.NewPCG(9, 10)))
			if taps > 0 && !g.Blocks() {
				p.Rows[0] = 13 // the last row of A
			}
			spoil(p)
			g.Run(&p.ProductBF16, 0, 11, 0, g.Panels(10))
		})
	}
}
