package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// testProduct is a product with all that it reads and writes.
type testProduct struct {
	ProductF32
	a, c, bias, residual guarded
	b                    []float32 // [Taps*K][N+3]
}

type productCase struct {
	m, n, k, taps        int // taps 0: affine rows
	bias, residual, relu bool
	inPlace              bool // c is the residual
}

func newProduct(g *GemmF32, pc productCase, r *rand.Rand) *testProduct {
	p := &testProduct{ProductF32: ProductF32{M: pc.m, N: pc.n, K: pc.k, Taps: pc.taps, ReLU: pc.relu}}
	p.LDA = pc.k + 7 - pc.k%5
	rows := pc.m
	if pc.taps > 0 {
		rows = pc.m + 3
		p.Stride = pc.m + 2
		p.Rows = make([]int32, (pc.taps-1)*p.Stride+pc.m)
		for i := range p.Rows {
			p.Rows[i] = int32(r.IntN(rows+1)) - 1
		}
		p.Zero = make([]float32, pc.k)
	}
	p.a = matrix(r, rows, pc.k, p.LDA)
	p.A = p.a.s
	p.b = make([]float32, p.taps()*pc.k*(pc.n+3))
	for i := range p.b {
		p.b[i] = float32(r.NormFloat64())
	}
	packed := newGuarded(0)
	{
		plain := g.Pack(p.b, p.taps(), pc.k, pc.n, pc.n+3)
		packed = newGuarded(len(plain))
		copy(packed.s, plain)
	}
	p.B = packed.s
	if pc.bias {
		p.bias = matrix(r, 1, pc.n, 0)
		p.Bias = p.bias.s
	}
	p.LDC = pc.n + 5
	p.c = newGuarded((pc.m-1)*p.LDC + pc.n)
	p.C = p.c.s
	if pc.residual {
		p.Scale = 0.17
		p.LDR = pc.n + 11
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
		for _, g := range []*GemmF32{set.Gemm, set.GemmAliased} {
			r := rand.New(rand.NewPCG(1, 2))
			for _, indirect := range []bool{false, true} {
				rows := g.rows
				if indirect {
					if g.indirect == nil {
						continue
					}
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
							if k != 1+(m+n)%5 && k != 13 { // every k with every m and every n
								continue
							}
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
				{m: 3, n: 5, k: 2*maxDepth + 3},
				{m: 3, n: 5, k: maxDepth/2 - 1, taps: 5},
				{m: 2, n: 5, k: maxDepth + 1, taps: 2},
			} {
				pc.bias, pc.residual, pc.relu = true, residual, true
				testRun(t, g, pc, r)
			}
		}
	})
}

// A Run of some rows and panels leaves the others alone.
func TestGemmRange(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		g := set.Gemm
		r := rand.New(rand.NewPCG(5, 6))
		p := newProduct(g, productCase{m: 40, n: 3*g.NR - 1, k: 7, bias: true}, r)
		g.Run(&p.ProductF32, 11, 30, 1, 2)
		for i := range p.M {
			for j := range p.N {
				got := p.C[i*p.LDC+j]
				inside := i >= 11 && i < 30 && j >= g.NR && j < 2*g.NR
				if inside {
					if want, bound := p.want(i, j, nil); !(math.Abs(float64(got)-want) <= bound) {
						t.Fatalf("[%d][%d] is %g, want %g", i, j, got, want)
					}
				} else if !math.IsNaN(float64(got)) {
					t.Fatalf("[%d][%d] was written", i, j)
				}
			}
		}
	})
}

// Not a number stays so through ReLU: a training run that diverges must show it.
func TestGemmKeepsNaN(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, g := range []*GemmF32{set.Gemm, set.GemmAliased} {
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
	for name, spoil := range map[string]func(p *ProductF32){
		"A":        func(p *ProductF32) { p.A = p.A[:len(p.A)-1] },
		"B":        func(p *ProductF32) { p.B = p.B[:len(p.B)-1] },
		"C":        func(p *ProductF32) { p.C = p.C[:len(p.C)-1] },
		"Bias":     func(p *ProductF32) { p.Bias = p.Bias[:p.N-1] },
		"Residual": func(p *ProductF32) { p.Residual = p.Residual[:len(p.Residual)-1] },
		"M":        func(p *ProductF32) { p.M-- },
		"Zero":     func(p *ProductF32) { p.Zero = p.Zero[1:] },
		"Rows":     func(p *ProductF32) { p.Rows = p.Rows[1:] },
		"row":      func(p *ProductF32) { p.Rows[3] = 15 },
	} {
		for _, taps := range []int{0, 2} {
			if taps == 0 && (name == "Zero" || name == "Rows" || name == "row") {
				continue
			}
			p := newProduct(g, productCase{m: 11, n: 9, k: 5, taps: taps, bias: true, residual: true}, rand.New(rand.NewPCG(9, 10)))
			if taps > 0 {
				p.Rows[0] = 13 // the last row of A
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s too short, %d taps: no panic", name, taps)
					}
				}()
				spoil(&p.ProductF32)
				g.Run(&p.ProductF32, 0, 11, 0, 1)
			}()
		}
	}
}
