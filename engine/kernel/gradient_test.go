package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

type gradientCase struct {
	m, n, k, taps int // taps 0: affine rows
	images        int // m pixels each, or one if 0
	add           bool
}

// testGradient is a gradient with all that it reads and writes.
type testGradient struct {
	WeightGradientF32
	a, dy, db guarded
	before    []float32 // DB
}

func newGradient(gc gradientCase, r *rand.Rand) *testGradient {
	p := &testGradient{WeightGradientF32: WeightGradientF32{
		M: gc.m * max(1, gc.images), N: gc.n, K: gc.k, Taps: gc.taps, Add: gc.add,
		LDA: gc.k + 7 - gc.k%5, LDY: gc.n + 5, LDB: gc.n + 3,
	}}
	rows := p.M
	if gc.taps > 0 {
		p.Stride, p.Height = gc.m, gc.m+3
		rows = p.Height * max(1, gc.images)
		p.Rows = make([]int32, gc.taps*p.Stride)
		for i := range p.Rows {
			p.Rows[i] = int32(r.IntN(p.Height+1)) - 1
		}
	}
	p.a = matrix(r, rows, gc.k, p.LDA)
	p.dy = matrix(r, p.M, gc.n, p.LDY)
	p.A, p.DY = p.a.s, p.dy.s
	height := p.taps() * gc.k
	if gc.add {
		p.db = matrix(r, height, gc.n, p.LDB)
	} else {
		p.db = newGuarded((height-1)*p.LDB + gc.n)
	}
	p.DB = p.db.s
	p.before = append(p.before, p.DB...)
	return p
}

// want is one element of the gradient in float64, and the error it may have.
func (p *testGradient) want(tap, k, j int) (value, bound float64) {
	sum := 0.0
	if p.Add {
		value = float64(p.before[(tap*p.K+k)*p.LDB+j])
		sum = math.Abs(value)
	}
	for i := range p.M {
		row := i
		if p.Rows != nil {
			if row = int(p.Rows[tap*p.Stride+i%p.Stride]); row < 0 {
				continue
			}
			row += i / p.Stride * p.Height
		}
		x := float64(p.A[row*p.LDA+k]) * float64(p.DY[i*p.LDY+j])
		value += x
		sum += math.Abs(x)
	}
	return value, float64(p.M+2) * 0x1p-24 * sum
}

// compare checks the elements of a part, and that nothing else has changed.
func (p *testGradient) compare(t *testing.T, what string, part GradientPart) {
	t.Helper()
	in := func(i int, r [2]int) bool { return i >= r[0] && i < r[1] }
	for tap := range p.taps() {
		for k := range p.K {
			for j := range p.N {
				got := p.DB[(tap*p.K+k)*p.LDB+j]
				if !in(tap, part.Taps) || !in(k, part.K) || !in(j, part.N) {
					if before := p.before[(tap*p.K+k)*p.LDB+j]; math.Float32bits(got) != math.Float32bits(before) {
						t.Fatalf("%s: tap %d [%d][%d] is %g, was %g", what, tap, k, j, got, before)
					}
				} else if want, bound := p.want(tap, k, j); !(math.Abs(float64(got)-want) <= bound) {
					t.Fatalf("%s: tap %d [%d][%d] is %g, want %g within %g", what, tap, k, j, got, want, bound)
				}
			}
		}
	}
	p.db.checkGaps(t, what+": DB", p.taps()*p.K, p.N, p.LDB)
}

// TestGradient takes every height and width of tiles, and numbers of pixels up to two
// blocks and one, of several images.
func TestGradient(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		g, scratch := set.Gradient, new(GradientScratch)
		r := rand.New(rand.NewPCG(1, 2))
		run := func(gc gradientCase) {
			t.Helper()
			p := newGradient(gc, r)
			g.Run(&p.WeightGradientF32, p.Whole(), scratch)
			p.compare(t, fmt.Sprintf("%s %+v", g.Name, gc), p.Whole())
		}
		for k := 1; k <= 2*g.rows+1; k++ {
			for n := 1; n <= 2*g.NR+1; n++ {
				run(gradientCase{m: 1 + (n+k)%7, n: n, k: k, taps: (n + k) % 4, add: r.IntN(2) == 0})
			}
		}
		for _, m := range []int{37, 211, tuning.BlockPairs, 2*tuning.BlockPairs + 1} {
			for taps := range 4 {
				for _, add := range []bool{false, true} {
					for _, images := range []int{1, 2, 7} {
						run(gradientCase{m: m, n: g.NR + 3, k: g.rows + 1, taps: taps, add: add, images: images})
					}
				}
			}
		}
	})
}

// A tap that is outside the image everywhere has a gradient of zero, whatever DY is.
func TestGradientSkipsPadding(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		p := newGradient(gradientCase{m: 5, n: 7, k: 3, taps: 2}, rand.New(rand.NewPCG(3, 4)))
		for i := range 5 {
			p.Rows[i] = -1
		}
		p.Rows[p.Stride] = -1
		for j := range 7 {
			p.DY[j] = float32(math.NaN())
		}
		set.Gradient.Run(&p.WeightGradientF32, p.Whole(), new(GradientScratch))
		for i := range 6 {
			for j := range 7 {
				if got := float64(p.DB[i*p.LDB+j]); math.IsNaN(got) || i < 3 && got != 0 {
					t.Fatalf("[%d][%d] is %g", i, j, got)
				}
			}
		}
	})
}

// Parts write what is theirs, and parts of the pixels add up.
func TestGradientParts(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		g, scratch := set.Gradient, new(GradientScratch)
		r := rand.New(rand.NewPCG(5, 6))
		p := newGradient(gradientCase{m: tuning.BlockPairs + 31, images: 2, n: 3*g.NR - 1, k: 3*g.rows - 1, taps: 4}, r)
		part := GradientPart{Taps: [2]int{1, 3}, K: [2]int{g.rows - 1, 2*g.rows + 1}, N: [2]int{g.NR + 1, 2*g.NR + 3}}
		for i, m := range [][2]int{{0, 11}, {11, 11}, {11, tuning.BlockPairs + 17}, {tuning.BlockPairs + 17, p.M}} {
			part.M, p.Add = m, i > 0
			g.Run(&p.WeightGradientF32, part, scratch)
		}
		p.Add = false
		p.compare(t, "in parts", part)
	})
}

func TestGradientRefusesShortSlices(t *testing.T) {
	set, err := For(Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(p *WeightGradientF32, part *GradientPart){
		"nothing": nil,
		"A":       func(p *WeightGradientF32, _ *GradientPart) { p.A = p.A[:len(p.A)-1] },
		"DY":      func(p *WeightGradientF32, _ *GradientPart) { p.DY = p.DY[:len(p.DY)-1] },
		"DB":      func(p *WeightGradientF32, _ *GradientPart) { p.DB = p.DB[:len(p.DB)-1] },
		"Rows":    func(p *WeightGradientF32, _ *GradientPart) { p.Rows = p.Rows[1:] },
		"row":     func(p *WeightGradientF32, _ *GradientPart) { p.Rows[3] = 14 },
		"Stride":  func(p *WeightGradientF32, _ *GradientPart) { p.Stride = 0 },
		"Height":  func(p *WeightGradientF32, _ *GradientPart) { p.Height = -1 },
		"LDA":     func(p *WeightGradientF32, _ *GradientPart) { p.LDA = -1 },
		"taps":    func(_ *WeightGradientF32, part *GradientPart) { part.Taps[1]++ },
		"k":       func(_ *WeightGradientF32, part *GradientPart) { part.K[0] = -1 },
		"n":       func(_ *WeightGradientF32, part *GradientPart) { part.N = [2]int{3, 2} },
		"m":       func(_ *WeightGradientF32, part *GradientPart) { part.M[1]++ },
	} {
		for _, taps := range []int{0, 2} {
			if taps == 0 && slices.Contains([]string{"Rows", "row", "Stride", "Height"}, name) {
				continue
			}
			p := newGradient(gradientCase{m: 11, n: 9, k: 5, taps: taps}, rand.New(rand.NewPCG(9, 10)))
			if taps > 0 {
				p.Rows[0] = 13 // the last row of A
			}
			part := p.Whole()
			func() {
				defer func() {
					if (recover() == nil) != (spoil == nil) {
						t.Errorf("%s too short, %d taps: no panic, or a panic without reason", name, taps)
					}
				}()
				if spoil != nil {
					spoil(&p.WeightGradientF32, &part)
				}
				set.Gradient.Run(&p.WeightGradientF32, part, new(GradientScratch))
			}()
		}
	}
}
