package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// winogradGradientError is, for each kernel, three times the largest error of a gradient,
// relative to its root mean square, that was measured for 4 images of 17 x 17 normal data.
var winogradGradientError = map[[2]int]float64{{3, 3}: 13e-6, {1, 3}: 6e-6, {3, 1}: 6e-6, {1, 7}: 42e-6, {7, 1}: 42e-6}

// newConvolutionGradient has a case's data, in blocks of tiles and parts.
func newConvolutionGradient(w *WinogradF32, cc convolutionCase, block, parts int, r *rand.Rand) *ConvolutionGradientF32 {
	p := &ConvolutionGradientF32{
		Grid: gridOf(&w.Winograd, cc.images, Pair{cc.h, cc.w}, Pair{cc.top, cc.left}, Pair{cc.outH, cc.outW}), K: cc.k, N: cc.n,
		Pitch: prime(cc.k + 1), PitchY: prime(cc.n + 1), LDB: prime(cc.n + 1), Zero: zeros(max(cc.k, cc.n)),
		Block: block, Parts: parts, ToTaps: w.GradientTaps(parts),
	}
	p.X = matrix(r, cc.images*cc.h*cc.w, cc.k, p.Pitch).s
	p.DY = matrix(r, cc.images*cc.outH*cc.outW, cc.n, p.PitchY).s
	return p
}

// testWinogradGradient compares a gradient, with its tiles in blocks and these in parts,
// with float64 and returns the largest error relative to the root mean square.
func testWinogradGradient(t *testing.T, w *WinogradF32, cc convolutionCase, block, parts int, r *rand.Rand) float64 {
	t.Helper()
	p := newConvolutionGradient(w, cc, block, parts, r)
	parts = min(parts, p.Grid.Tiles)
	p.Parts, p.ToTaps = parts, w.GradientTaps(parts)
	v, sums := newGuarded(w.GradientTiles(cc.k, cc.n, block)), newGuarded(w.GradientSums(cc.k, cc.n, parts))
	db := newGuarded((w.KH*w.KW*cc.k-1)*p.LDB + cc.n)
	p.V, p.Sums, p.DB = v.s, sums.s, db.s
	panels := w.Panels(cc.n)
	for part := range parts {
		first, end := part*p.Grid.Tiles/parts, (part+1)*p.Grid.Tiles/parts
		for at := first; at < end; at += block {
			tiles := min(block, end-at)
			w.TransformGradient(p, at, at+tiles/2, at+tiles)
			w.TransformGradient(p, at, at, at+tiles/2)
			for point := range w.Points() {
				w.SumGradient(p, part, point, tiles, panels/2, panels, at > first, new(GradientScratch))
				w.SumGradient(p, part, point, tiles, 0, panels/2, at > first, new(GradientScratch))
			}
		}
	}
	for panel := range panels {
		w.FinishGradient(p, panel, cc.k/2, cc.k)
		w.FinishGradient(p, panel, 0, cc.k/2)
	}
	what := fmt.Sprintf("%s %+v, blocks of %d, %d parts", w.Name, cc, block, parts)
	v.check(t, what+": V")
	sums.check(t, what+": Sums")
	db.checkGaps(t, what+": DB", w.KH*w.KW*cc.k, cc.n, p.LDB)
	worst, squares := 0.0, 0.0
	for ky := range w.KH {
		for kx := range w.KW {
			want := make([]float64, cc.k*cc.n)
			for image := range cc.images {
				for y := range cc.outH {
					for x := range cc.outW {
						iy, ix := y+ky-cc.top, x+kx-cc.left
						if iy < 0 || iy >= cc.h || ix < 0 || ix >= cc.w {
							continue
						}
						dy := p.DY[((image*cc.outH+y)*cc.outW+x)*p.PitchY:][:cc.n]
						for k, value := range p.X[((image*cc.h+iy)*cc.w+ix)*p.Pitch:][:cc.k] {
							for j := range dy {
								want[k*cc.n+j] += float64(value) * float64(dy[j])
							}
						}
					}
				}
			}
			for k := range cc.k {
				for j := range cc.n {
					got, want := float64(p.DB[((ky*w.KW+kx)*cc.k+k)*p.LDB+j]), want[k*cc.n+j]
					diff := math.Abs(got - want)
					if math.IsNaN(diff) {
						t.Fatalf("%s: tap %d,%d [%d][%d] is not a number", what, ky, kx, k, j)
					}
					squares += want * want
					worst = max(worst, diff)
				}
			}
		}
	}
	return worst / math.Sqrt(squares/float64(w.KH*w.KW*cc.k*cc.n))
}

func TestWinogradGradient(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, w := range set.winograd {
			r := rand.New(rand.NewPCG(21, 22))
			bound := winogradGradientError[[2]int{w.KH, w.KW}]
			try := func(cc convolutionCase, block, parts int) {
				t.Helper()
				if got := testWinogradGradient(t, w, cc, block, parts, r); !(got <= bound) {
					t.Errorf("%s %+v, blocks of %d, %d parts: error %.2g, at most %.2g", w.Name, cc, block, parts, got, bound)
				}
			}
			same := convolutionCase{images: 1, top: w.KH / 2, left: w.KW / 2, k: 5, n: 3}
			for size := 1; size <= 9; size++ {
				cc := same
				cc.h, cc.w = size, 10-size
				cc.outH, cc.outW = cc.h, cc.w
				cc.images = 1 + size%2
				try(cc, 1+size, 1+size%3)
			}
			for k := 1; k <= 33; k++ {
				cc := same
				cc.h, cc.w, cc.outH, cc.outW = 5, 6, 5, 6
				cc.k, cc.n = k, 34-k
				try(cc, 3+k%5, 1+k%2)
			}
			valid := convolutionCase{images: 3, h: 17, w: 13, outH: 18 - w.KH, outW: 14 - w.KW, k: 37, n: 41}
			try(valid, 7, 1)
			try(valid, 7, 2)
			// More tiles than are summed in registers.
			try(convolutionCase{images: 3, h: 33, w: 45, top: w.KH / 2, left: w.KW / 2, outH: 33, outW: 45, k: 3, n: 5}, tuning.BlockPairs+5, 1)
		}
	})
}

// With the number of pixels and the data of the measurement, the error is that of the
// measurement.
func TestWinogradGradientError(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, w := range set.winograd {
			got := testWinogradGradient(t, w, convolutionCase{
				images: 4, h: 17, w: 17, top: w.KH / 2, left: w.KW / 2, outH: 17, outW: 17, k: 48, n: 40,
			}, 64, 1, rand.New(rand.NewPCG(23, 24)))
			t.Logf("%s: %.2g", w.Name, got)
			if bound := winogradGradientError[[2]int{w.KH, w.KW}]; !(got <= bound) {
				t.Errorf("%s: error %.2g, at most %.2g", w.Name, got, bound)
			}
		}
	})
}

func TestWinogradGradientRefusesShortSlices(t *testing.T) {
	set, err := For(Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range set.winograd {
		for method, run := range map[string]func(p *ConvolutionGradientF32){
			"transform": func(p *ConvolutionGradientF32) { w.TransformGradient(p, 0, 0, p.Grid.Tiles) },
			"sum": func(p *ConvolutionGradientF32) {
				w.SumGradient(p, 1, w.Points()-1, p.Grid.Tiles, 0, w.Panels(p.N), false, new(GradientScratch))
			},
			"finish": func(p *ConvolutionGradientF32) { w.FinishGradient(p, 0, 0, p.K) },
		} {
			t.Run(w.Name+" "+method, func(t *testing.T) {
				expectPanics(t, map[string]func(p *ConvolutionGradientF32){
					"X":      func(p *ConvolutionGradientF32) { p.X = p.X[:len(p.X)-1] },
					"DY":     func(p *ConvolutionGradientF32) { p.DY = p.DY[:len(p.DY)-1] },
					"Zero":   func(p *ConvolutionGradientF32) { p.Zero = p.Zero[1:] },
					"V":      func(p *ConvolutionGradientF32) { p.V = p.V[1:] },
					"Sums":   func(p *ConvolutionGradientF32) { p.Sums = p.Sums[1:] },
					"ToTaps": func(p *ConvolutionGradientF32) { p.ToTaps = p.ToTaps[1:] },
					"DB":     func(p *ConvolutionGradientF32) { p.DB = p.DB[:len(p.DB)-1] },
					"Pitch":  func(p *ConvolutionGradientF32) { p.Pitch = -1 },
					"PitchY": func(p *ConvolutionGradientF32) { p.PitchY = -1 },
					"LDB":    func(p *ConvolutionGradientF32) { p.LDB = p.N - 1 },
					"K":      func(p *ConvolutionGradientF32) { p.K = 0 },
					"N":      func(p *ConvolutionGradientF32) { p.N = 0 },
					"Block":  func(p *ConvolutionGradientF32) { p.Block = 0 },
					"Parts":  func(p *ConvolutionGradientF32) { p.Parts = 0 },
				}, func(spoil func(p *ConvolutionGradientF32)) {
					const side, k, n, parts = 5, 3, 7, 2
					p := &ConvolutionGradientF32{
						Grid: gridOf(&w.Winograd, 1, Square(side), Pair{w.KH / 2, w.KW / 2}, Square(side)), K: k, N: n,
						X: make([]float32, side*side*k), Pitch: k, DY: make([]float32, side*side*n), PitchY: n,
						Zero: make([]float32, n), Parts: parts, ToTaps: w.GradientTaps(parts),
						Sums: make([]float32, w.GradientSums(k, n, parts)), DB: make([]float32, w.KH*w.KW*k*n), LDB: n,
					}
					p.Block = p.Grid.Tiles
					p.V = make([]float32, w.GradientTiles(k, n, p.Block))
					spoil(p)
					run(p)
				})
			})
		}
		const side = 5
		p := newConvolutionGradient(w, convolutionCase{images: 1, h: side, w: side, outH: side, outW: side, k: 3, n: 7}, 2, 2, rand.New(rand.NewPCG(1, 2)))
		p.V, p.Sums, p.DB = make([]float32, w.GradientTiles(3, 7, 2)), make([]float32, w.GradientSums(3, 7, 2)), make([]float32, w.KH*w.KW*3*p.LDB)
		scratch := new(GradientScratch)
		for what, run := range map[string]func(){
			"a tile before the block":  func() { w.TransformGradient(p, 1, 0, 1) },
			"tiles after the block":    func() { w.TransformGradient(p, 0, 2, 3) },
			"tiles after the last":     func() { w.TransformGradient(p, p.Grid.Tiles-1, p.Grid.Tiles-1, p.Grid.Tiles+1) },
			"a part too many":          func() { w.SumGradient(p, 2, 0, 1, 0, 1, false, scratch) },
			"a point too many":         func() { w.SumGradient(p, 0, w.Points(), 1, 0, 1, false, scratch) },
			"no tile":                  func() { w.SumGradient(p, 0, 0, 0, 0, 1, false, scratch) },
			"more tiles than a block":  func() { w.SumGradient(p, 0, 0, 3, 0, 1, false, scratch) },
			"a panel too many":         func() { w.SumGradient(p, 0, 0, 1, 0, w.Panels(7)+1, false, scratch) },
			"a panel after the last":   func() { w.FinishGradient(p, w.Panels(7), 0, 1) },
			"a row after the last":     func() { w.FinishGradient(p, 0, 0, 4) },
			"a row before the first":   func() { w.FinishGradient(p, 0, -1, 2) },
			"a panel before the first": func() { w.FinishGradient(p, -1, 0, 1) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s, %s: no panic", w.Name, what)
					}
				}()
				run()
			}()
		}
	}
}
