package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// testProduct is a product with all that it reads and writes.
type testProduct struct {
	ProductF32
	a, c, bias, residual guarded
	b                    []float32 // [Taps*K][N+3]
}

type productCase struct {
	m, n, k, taps, depth int // taps 0: affine rows; depth 0: the usual
	bias, residual, relu bool
	inPlace              bool // c is the residual
	walk                 *Geometry
}

func newProduct(g *GemmF32, pc productCase, r *rand.Rand) *testProduct {
	p := &testProduct{ProductF32: ProductF32{M: pc.m, N: pc.n, K: pc.k, Taps: pc.taps, ReLU: pc.relu}}
	p.LDA, p.Depth = prime(pc.k+1), pc.depth
	rows := pc.m
	if pc.taps > 0 {
		rows = pc.m + 3
		p.Stride = pc.m + 2
		size := (pc.taps-1)*p.Stride + pc.m
		p.Rows = slices.Repeat([]int32{math.MaxInt32}, size+guardWords)[:size:size] // where no memory is
		for tap := range pc.taps {
			for i := range pc.m {
				p.Rows[tap*p.Stride+i] = int32(r.IntN(rows+1)) - 1
			}
		}
		p.Zero = zeros(pc.k)
	}
	p.a = matrix(r, rows, pc.k, p.LDA)
	p.A = p.a.s
	p.b = make([]float32, p.taps()*pc.k*(pc.n+3))
	for i := range p.b {
		p.b[i] = float32(r.NormFloat64())
	}
	p.B = zeros(g.PackedSize(p.taps(), pc.k, pc.n))
	copy(p.B, g.Pack(p.b, p.taps(), pc.k, pc.n, pc.n+3))
	if pc.bias {
		p.bias = matrix(r, 1, pc.n, 0)
		p.Bias = p.bias.s
	}
	p.LDC = prime(pc.n + 1)
	p.c = newGuarded((pc.m-1)*p.LDC + pc.n)
	p.C = p.c.s
	if pc.residual {
		p.Scale = 0.17
		p.LDR = prime(p.LDC + 1)
		if pc.inPlace {
			p.LDR = p.LDC
		}
		p.residual = matrix(r, pc.m, pc.n, p.LDR)
		p.Residual = p.residual.s
		if pc.inPlace {
			copy(p.C, p.Residual)
			p.Residual = p.C
		}
	}
	return p
}

// want is one element of the product in float64, and the error it may have.
func (p *testProduct) want(i, j int, residual []float32) (value, bound float64) {
	sum := 0.0
	for tap := range p.taps() {
		row := p.Zero
		if p.Rows == nil {
			row = p.A[i*p.LDA:]
		} else if at := p.Rows[tap*p.Stride+i]; at >= 0 {
			row = p.A[int(at)*p.LDA:]
		}
		for k := range p.K {
			x := float64(row[k]) * float64(p.b[(tap*p.K+k)*(p.N+3)+j])
			value += x
			sum += math.Abs(x)
		}
	}
	if p.Bias != nil {
		value += float64(p.Bias[j])
		sum += math.Abs(float64(p.Bias[j]))
	}
	if residual != nil {
		value = float64(residual[i*p.LDR+j]) + float64(p.Scale)*value
		sum = math.Abs(float64(residual[i*p.LDR+j])) + math.Abs(float64(p.Scale))*sum
	}
	if p.ReLU {
		value = max(value, 0)
	}
	return value, float64(p.taps()*p.K+4) * 0x1p-24 * sum
}

// testRun computes the product and compares every element.
func testRun(t *testing.T, g *GemmF32, pc productCase, r *rand.Rand) {
	t.Helper()
	p := newProduct(g, pc, r)
	g.Run(&p.ProductF32, 0, p.M, 0, g.Panels(p.N))
	for i := range p.M {
		for j := range p.N {
			want, bound := p.want(i, j, p.residual.s)
			if got := float64(p.C[i*p.LDC+j]); !(math.Abs(got-want) <= bound) {
				t.Fatalf("%s %+v: [%d][%d] is %g, want %g within %g", g.Name, pc, i, j, got, want, bound)
			}
		}
	}
	p.c.checkGaps(t, fmt.Sprintf("%s %+v: C", g.Name, pc), p.M, p.N, p.LDC)
}

func TestGemm(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, g := range []*GemmF32{set.Gemm, set.GemmWide} {
			r := rand.New(rand.NewPCG(1, 2))
			for _, indirect := range []bool{false, true} {
				rows := g.rows
				if indirect {
					rows = g.indirectRows
				}
				widths := []int{}
				for n := 1; n <= 2*g.NR+1; n++ {
					widths = append(widths, n)
				}
				heights := []int{}
				for m := 1; m <= rows; m++ {
					heights = append(heights, m)
				}
				heights = append(heights, 2*rows+1)
				for _, m := range heights {
					for _, n := range widths {
						for _, k := range []int{1, 2, 3, 4, 5, 13} {
							pc := productCase{m: m, n: n, k: k,
								bias: r.IntN(2) == 0, residual: r.IntN(2) == 0, relu: r.IntN(2) == 0, inPlace: r.IntN(2) == 0}
							if indirect {
								pc.taps = 1 + (m+n)%4
							}
							testRun(t, g, pc, r)
						}
					}
				}
				for _, k := range []int{37, 128, 211} {
					pc := productCase{m: 2*rows + 1, n: 2*g.NR + 1, k: k, bias: true, residual: true, relu: true}
					if indirect {
						pc.taps = 9
					}
					testRun(t, g, pc, r)
				}
			}
		}
	})
}

// A sum so long that one call would take too long is made in parts.
func TestGemmInParts(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		g := set.Gemm
		r := rand.New(rand.NewPCG(3, 4))
		for _, residual := range []bool{false, true} {
			for _, pc := range []productCase{
				{m: 3, n: 5, k: 2*tuning.MaxDepth + 3},
				{m: 3, n: 5, k: tuning.MaxDepth/2 - 1, taps: 5},
				{m: 2, n: 5, k: tuning.MaxDepth + 1, taps: 2},
				{m: 3, n: 5, k: 11, depth: 4},
				{m: 3, n: 5, k: 3, taps: 5, depth: 7},
				{m: 3, n: 5, k: 7, taps: 2, depth: 3},
			} {
				pc.bias, pc.residual, pc.relu = true, residual, true
				testRun(t, g, pc, r)
				pc.inPlace = true
				testRun(t, g, pc, r)
			}
		}
	})
}

// In float64, ones are not lost beside 1<<24, of which float32 has no neighbour that is
// nearer than 2.
func TestGemmWide(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, g := range []*GemmF32{set.Gemm, set.GemmWide} {
			for _, taps := range []int{0, 3} {
				p := newProduct(g, productCase{m: g.Rows(taps > 0), n: g.NR + 1, k: 13, taps: taps}, rand.New(rand.NewPCG(15, 16)))
				for i := range p.B {
					p.B[i] = 1
				}
				for i := range p.A {
					p.A[i] = 1
					if i%p.LDA == 0 {
						p.A[i] = 1 << 24
					}
				}
				clear(p.Rows) // all taps read the first row
				g.Run(&p.ProductF32, 0, p.M, 0, g.Panels(p.N))
				want := float32(p.taps() * (1<<24 + p.K - 1))
				for i := range p.M {
					for j := range p.N {
						if got := p.C[i*p.LDC+j]; g.Wide != (got == want) {
							t.Fatalf("%s, %d taps: [%d][%d] is %f, the exact sum %f", g.Name, taps, i, j, got, want)
						}
					}
				}
			}
		}
	})
}

// A Run of some rows and panels leaves the others alone.
func TestGemmRange(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, g := range []*GemmF32{set.Gemm, set.GemmWide} {
			for _, taps := range []int{0, 3} {
				p := newProduct(g, productCase{m: 40, n: 3*g.NR - 1, k: 7, taps: taps, bias: true}, rand.New(rand.NewPCG(5, 6)))
				g.Run(&p.ProductF32, 11, 30, 1, 2)
				for i := range p.M {
					for j := range p.N {
						got := p.C[i*p.LDC+j]
						inside := i >= 11 && i < 30 && j >= g.NR && j < 2*g.NR
						if inside {
							if want, bound := p.want(i, j, nil); !(math.Abs(float64(got)-want) <= bound) {
								t.Fatalf("%s, %d taps: [%d][%d] is %g, want %g", g.Name, taps, i, j, got, want)
							}
						} else if !p.c.kept(i*p.LDC + j) {
							t.Fatalf("%s, %d taps: [%d][%d] was written", g.Name, taps, i, j)
						}
					}
				}
			}
		}
	})
}

// Rows in lines go to the columns of an image, and taps outside it for a line add nothing.
func TestGemmInLines(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		g := set.Gemm
		r := rand.New(rand.NewPCG(13, 14))
		for line := 1; line <= 2*g.indirectRows+1; line++ {
			lines := 3
			pc := productCase{m: lines * line, n: g.NR + 3, k: 5, taps: 1 + line%5, bias: true, residual: line%2 == 0, relu: line%3 == 0}
			if line%4 == 0 {
				pc.depth = 5
			}
			p := newProduct(g, pc, r)
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
			g.Run(&p.ProductF32, 0, split, 0, g.Panels(p.N))
			g.Run(&p.ProductF32, split, p.M, 0, g.Panels(p.N))
			var residual []float32
			if pc.residual {
				residual = make([]float32, p.M*pitchR)
				for i := range p.M {
					copy(residual[i*pitchR:][:p.N], p.Residual[i%line*p.LDR+i/line*p.NextR:])
				}
			}
			p.LDR = pitchR
			for i := range p.M {
				for j := range p.N {
					want, bound := p.want(i, j, residual)
					if got := float64(p.C[i%line*p.LDC+i/line*p.NextC+j]); !(math.Abs(got-want) <= bound) {
						t.Fatalf("%s, lines of %d: [%d][%d] is %g, want %g within %g", g.Name, line, i, j, got, want, bound)
					}
				}
			}
			p.c.checkGaps(t, fmt.Sprintf("%s, lines of %d", g.Name, line), p.M, p.N, pitch)
		}
	})
}

// TestPack compares the three ways of packing with the definition, values that were
// there before among it.
func TestPack(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(11, 12))
		for _, g := range []*GemmF32{set.Gemm, set.GemmWide} {
			for n := 1; n <= 2*g.NR+1; n++ {
				taps, k := 1+n%4, 1+n%7
				ldb, ldt := prime(n+1), prime(k+1)
				b, transposed := matrix(r, taps*k, n, ldb).s, matrix(r, taps*n, k, ldt).s
				var scale []float32
				if n%2 == 0 {
					scale = matrix(r, 1, n, 0).s
				}
				size := taps * k * g.NR // of a panel
				want := func(at, panel int, transpose, flip bool) float32 {
					tap, row, j := at/g.NR/k, at/g.NR%k, panel*g.NR+at%g.NR
					if flip {
						tap = taps - 1 - tap
					}
					switch {
					case j >= n:
						return 0
					case transpose && scale != nil:
						return transposed[(tap*n+j)*ldt+row] * scale[j]
					case transpose:
						return transposed[(tap*n+j)*ldt+row]
					case scale != nil:
						return b[(tap*k+row)*ldb+j] * scale[j]
					}
					return b[(tap*k+row)*ldb+j]
				}
				check := func(what string, got []float32, panel int, transpose, flip bool) {
					t.Helper()
					for at, v := range got {
						if w := want(at, panel, transpose, flip); v != w {
							t.Fatalf("%s, %s: n %d, panel %d, element %d is %g, want %g", g.Name, what, n, panel, at, v, w)
						}
					}
				}
				all := newGuarded(g.PackedSize(taps, k, n))
				clear(all.s)
				g.PackInto(all.s, b, taps, k, n, ldb, scale)
				all.check(t, "PackInto")
				for panel := range g.Panels(n) {
					check("PackInto", all.s[panel*size:][:size], panel, false, false)
					for _, flip := range []bool{false, true} {
						one := newGuarded(size)
						order := make([]int, taps)
						for i := range order {
							if order[i] = i; flip {
								order[i] = taps - 1 - i
							}
						}
						g.PackPanel(one.s, &WeightsF32{B: b, Taps: order, K: k, N: n, LDB: ldb, Scale: scale}, panel)
						one.check(t, "PackPanel")
						check("PackPanel", one.s, panel, false, flip)
						one = newGuarded(size)
						g.PackPanel(one.s, &WeightsF32{B: transposed, Taps: order, K: k, N: n, LDB: ldt, Transposed: true, Scale: scale}, panel)
						one.check(t, "PackPanel transposed")
						check("PackPanel transposed", one.s, panel, true, flip)
						for _, w := range []WeightsF32{
							{B: b, Taps: order, K: k, N: n, LDB: ldb, Scale: scale},
							{B: transposed, Taps: order, K: k, N: n, LDB: ldt, Scale: scale, Transposed: true},
						} {
							parts := newGuarded(g.PackedSize(taps, k, n))
							for part := range g.Parts(&w) {
								g.PackPart(parts.s, &w, part)
							}
							parts.check(t, "PackPart")
							check("PackPart", parts.s[panel*size:][:size], panel, w.Transposed, flip)
						}
					}
				}
			}
		}
	})
}

// Not a number stays so through ReLU: a training run that diverges must show it.
func TestGemmKeepsNaN(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, g := range []*GemmF32{set.Gemm, set.GemmWide} {
			p := newProduct(g, productCase{m: 2, n: g.NR, k: 3, relu: true}, rand.New(rand.NewPCG(7, 8)))
			p.A[p.LDA] = float32(math.NaN())
			g.Run(&p.ProductF32, 0, 2, 0, 1)
			for j := range p.N {
				if math.IsNaN(float64(p.C[j])) || !math.IsNaN(float64(p.C[p.LDC+j])) {
					t.Fatalf("%s: column %d is %g and %g, want a number and NaN", g.Name, j, p.C[j], p.C[p.LDC+j])
				}
			}
		}
	})
}

func TestGemmRefusesShortSlices(t *testing.T) {
	set, err := For(Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	g := set.Gemm
	for _, taps := range []int{0, 2} {
		rows, panels := [2]int{}, [2]int{}
		spoil := map[string]func(p *testProduct){
			"A":           func(p *testProduct) { p.A = p.A[:len(p.A)-1] },
			"B":           func(p *testProduct) { p.B = p.B[:len(p.B)-1] },
			"C":           func(p *testProduct) { p.C = p.C[:len(p.C)-1] },
			"Bias":        func(p *testProduct) { p.Bias = p.Bias[:p.N-1] },
			"Residual":    func(p *testProduct) { p.Residual = p.Residual[:len(p.Residual)-1] },
			"M":           func(p *testProduct) { p.M-- },
			"K":           func(p *testProduct) { p.K = 0 },
			"LDA":         func(p *testProduct) { p.LDA = -1 },
			"LDC":         func(p *testProduct) { p.LDC = -1 },
			"LDR":         func(p *testProduct) { p.LDR = -1 },
			"first row":   func(*testProduct) { rows[0] = -1 },
			"rows":        func(*testProduct) { rows = [2]int{2, 1} },
			"first panel": func(*testProduct) { panels[0] = -1 },
			"last panel":  func(*testProduct) { panels[1]++ },
			"panels":      func(*testProduct) { panels = [2]int{1, 0} },
		}
		if taps > 0 {
			spoil["Zero"] = func(p *testProduct) { p.Zero = p.Zero[1:] }
			spoil["Rows"] = func(p *testProduct) { p.Rows = p.Rows[1:] }
			spoil["row"] = func(p *testProduct) { p.Rows[3] = 15 }
			spoil["Stride"] = func(p *testProduct) { p.Stride = -1 }
			spoil["Taps"] = func(p *testProduct) { p.Taps = 0 }
		}
		expectPanics(t, spoil, func(spoil func(p *testProduct)) {
			p := newProduct(g, productCase{m: 11, n: 9, k: 5, taps: taps, bias: true, residual: true}, rand.New(rand.NewPCG(9, 10)))
			if taps > 0 {
				p.Rows[0] = 13 // the last row of A
			}
			rows, panels = [2]int{0, 11}, [2]int{0, g.Panels(9)}
			spoil(p)
			g.Run(&p.ProductF32, rows[0], rows[1], panels[0], panels[1])
		})
	}
}
