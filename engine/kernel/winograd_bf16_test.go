package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// winogradErrorBF16 is three times the largest error before the result is rounded, relative
// to the root mean square of the output, that was measured for each kernel, by its points,
// with K=224 and normal data.
var winogradErrorBF16 = map[int]float64{64: 1e-4, 81: 3e-4, 100: 6e-4, 15: 8e-4}

// eachWinogradBF16 runs a test on all kernels of the machine.
func eachWinogradBF16(t *testing.T, test func(t *testing.T, w *WinogradBF16)) {
	eachSet(t, func(t *testing.T, set *Set) {
		if set.GemmBF16 == nil {
			t.Skipf("%s has no instructions for bfloat16 here", set.ISA)
		}
		for _, w := range set.winogradBF16 {
			t.Run(w.Name, func(t *testing.T) { test(t, w) })
		}
	})
}

// transformed are weights as Run takes them.
func (w *WinogradBF16) transformed(t *testing.T, weights []float32, k, n int, scale []float32) []float32 {
	t.Helper()
	rounded := zerosBF16(w.RoundedSize(k, n))
	w.RoundInto(rounded, weights, k, n, scale)
	b := newGuarded(w.PackedSize(k, n))
	for panel := range w.Panels(n) {
		w.Transform(b.s, rounded, k, n, panel, 0, k/2)
		w.Transform(b.s, rounded, k, n, panel, k/2, k)
	}
	b.check(t, "transformed weights")
	return b.s
}

// testWinogradBF16 compares a convolution, computed in two blocks of tiles, with float64 and
// returns the largest error beside the rounding to bfloat16, relative to the root mean
// square of the sums.
func testWinogradBF16(t *testing.T, w *WinogradBF16, cc convolutionCase, r *rand.Rand) float64 {
	t.Helper()
	pixels := cc.images * cc.outH * cc.outW
	p := &ConvolutionBF16{
		Grid: gridOf(&w.Winograd, cc.images, Pair{cc.h, cc.w}, Pair{cc.top, cc.left}, Pair{cc.outH, cc.outW}), K: cc.k, N: cc.n,
		Pitch: prime(cc.k + 1), Zero: zerosBF16(cc.k), PitchY: prime(cc.n + 1), ReLU: cc.relu,
	}
	x := matrixBF16(r, cc.images*cc.h*cc.w, cc.k, p.Pitch)
	p.X = x.s
	widened := make([]float32, len(p.X))
	for i, v := range p.X {
		widened[i] = FromBF16(v)
	}
	weights := matrix(r, w.KH*w.KW*cc.k, cc.n, cc.n).s
	for i, v := range weights {
		weights[i] = FromBF16(ToBF16(v))
	}
	p.B = w.transformed(t, weights, cc.k, cc.n, nil)
	y := newGuardedOf[uint16]((pixels-1)*p.PitchY + cc.n)
	p.Y = y.s
	if cc.bias {
		p.Bias = matrix(r, 1, cc.n, 0).s
	}
	half := p.Grid.Tiles / 2
	blocks := [][2]int{{0, half}, {half, p.Grid.Tiles}}
	if cc.backwards {
		slices.Reverse(blocks)
	}
	for _, block := range blocks {
		scratch := newGuarded(w.Scratch(cc.k, cc.n, block[1]-block[0]))
		w.Run(p, block[0], block[1], scratch.s)
		scratch.check(t, "scratch")
	}
	y.checkGaps(t, fmt.Sprintf("%s %+v: Y", w.Name, cc), pixels, cc.n, p.PitchY)
	worst, squares := 0.0, 0.0
	for pixel := range pixels {
		image, at := pixel/(cc.outH*cc.outW), pixel%(cc.outH*cc.outW)
		for j := range cc.n {
			want := convolve(&w.Winograd, cc, widened, p.Pitch, weights, image, at/cc.outW, at%cc.outW, j)
			squares += want * want
			if cc.bias {
				want += float64(p.Bias[j])
			}
			if cc.relu {
				want = max(want, 0)
			}
			got := float64(FromBF16(p.Y[pixel*p.PitchY+j]))
			diff := math.Abs(got-want) - 0x1p-8*math.Abs(got)
			if math.IsNaN(diff) {
				t.Fatalf("%s %+v: pixel %d, channel %d is not a number", w.Name, cc, pixel, j)
			}
			worst = max(worst, diff)
		}
	}
	return worst / math.Sqrt(squares/float64(pixels*cc.n))
}

func TestWinogradBF16(t *testing.T) {
	eachWinogradBF16(t, func(t *testing.T, w *WinogradBF16) {
		r := rand.New(rand.NewPCG(21, 22))
		try := func(cc convolutionCase) {
			t.Helper()
			if got, bound := testWinogradBF16(t, w, cc, r), winogradErrorBF16[w.Points()]; !(got <= bound) {
				t.Errorf("%s %+v: error %.2g, at most %.2g", w.Name, cc, got, bound)
			}
		}
		same := convolutionCase{images: 1, top: w.KH / 2, left: w.KW / 2, k: 5, n: 3}
		for size := 1; size <= 18; size++ {
			cc := same
			cc.h, cc.w = size, 19-size
			cc.outH, cc.outW = cc.h, cc.w
			cc.images = 1 + size%2
			cc.backwards = size%4 > 1
			try(cc)
		}
		for k := 1; k <= 33; k++ {
			cc := same
			cc.h, cc.w, cc.outH, cc.outW = 5, 6, 5, 6
			cc.k, cc.n = k, 34-k
			cc.bias, cc.relu, cc.backwards = k%2 == 0, k%5 == 0, k%4 > 1
			try(cc)
		}
		try(convolutionCase{images: 3, h: 17, w: 13, outH: 18 - w.KH, outW: 14 - w.KW, k: 37, n: 41, bias: true, relu: true})
		deep := convolutionCase{images: 1, h: 17, w: 17, top: w.KH / 2, left: w.KW / 2, outH: 17, outW: 17, k: 224, n: 32}
		got := testWinogradBF16(t, w, deep, r)
		t.Logf("%s: %.2g beside rounding to bfloat16", w.Name, got)
		if !(got <= winogradErrorBF16[w.Points()]) {
			t.Errorf("%s: error %.2g, at most %.2g", w.Name, got, winogradErrorBF16[w.Points()])
		}
	})
}

// Rounded and transformed weights are those that are transformed in float64 and then
// rounded to float32, of what is rounded to bfloat16 with its factor.
func TestWinogradWeightsBF16(t *testing.T) {
	eachWinogradBF16(t, func(t *testing.T, w *WinogradBF16) {
		r := rand.New(rand.NewPCG(23, 24))
		const k, n = 7, 37
		weights, scale := matrix(r, w.KH*w.KW*k, n, n).s, matrix(r, 1, n, n).s
		rounded := slices.Clone(weights)
		for i := range rounded {
			rounded[i] = FromBF16(ToBF16(rounded[i] * scale[i%n]))
		}
		want, got := w.Pack(rounded, k, n), w.transformed(t, weights, k, n, scale)
		for i, v := range want {
			if d := math.Abs(float64(got[i] - v)); !(d <= 2e-5) {
				t.Fatalf("element %d is %g, want %g", i, got[i], v)
			}
		}
	})
}

// Not a number stays so through ReLU.
func TestWinogradBF16KeepsNaN(t *testing.T) {
	eachWinogradBF16(t, func(t *testing.T, w *WinogradBF16) {
		const side, k, n = 9, 3, 35
		p := &ConvolutionBF16{
			Grid: gridOf(&w.Winograd, 1, Square(side), Pair{w.KH / 2, w.KW / 2}, Square(side)), K: k, N: n,
			X: make([]uint16, side*side*k), Pitch: k, Zero: make([]uint16, k),
			B: w.transformed(t, slices.Repeat([]float32{1}, w.KH*w.KW*k*n), k, n, nil),
			Y: make([]uint16, side*side*n), PitchY: n, ReLU: true,
		}
		p.X[(4*side+4)*k] = ToBF16(float32(math.NaN()))
		w.Run(p, 0, p.Grid.Tiles, make([]float32, w.Scratch(k, n, p.Grid.Tiles)))
		for y := 4 - w.KH/2; y <= 4+w.KH/2; y++ {
			for x := 4 - w.KW/2; x <= 4+w.KW/2; x++ {
				for j := range n {
					if v := FromBF16(p.Y[(y*side+x)*n+j]); v == v {
						t.Fatalf("%s: pixel %d,%d, channel %d is %g", w.Name, y, x, j, v)
					}
				}
			}
		}
	})
}

func TestWinogradBF16RefusesShortSlices(t *testing.T) {
	set, err := For(Generic)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range set.winogradBF16 {
		const side, k, n = 5, 3, 7
		var first, last int
		var scratch []float32
		expectPanics(t, map[string]func(p *ConvolutionBF16){
			"X":       func(p *ConvolutionBF16) { p.X = p.X[:len(p.X)-1] },
			"Zero":    func(p *ConvolutionBF16) { p.Zero = p.Zero[1:] },
			"B":       func(p *ConvolutionBF16) { p.B = p.B[1:] },
			"Y":       func(p *ConvolutionBF16) { p.Y = p.Y[:len(p.Y)-1] },
			"Bias":    func(p *ConvolutionBF16) { p.Bias = p.Bias[1:] },
			"scratch": func(*ConvolutionBF16) { scratch = scratch[1:] },
			"Pitch":   func(p *ConvolutionBF16) { p.Pitch = -1 },
			"PitchY":  func(p *ConvolutionBF16) { p.PitchY = p.N - 1 },
			"K":       func(p *ConvolutionBF16) { p.K = 0 },
			"N":       func(p *ConvolutionBF16) { p.N = 0 },
			"first":   func(*ConvolutionBF16) { first = -1 },
			"last":    func(*ConvolutionBF16) { last++ },
		}, func(spoil func(p *ConvolutionBF16)) {
			p := &ConvolutionBF16{
				Grid: gridOf(&w.Winograd, 1, Square(side), Pair{w.KH / 2, w.KW / 2}, Square(side)), K: k, N: n,
				X: make([]uint16, side*side*k), Pitch: k, Zero: make([]uint16, k),
				B: make([]float32, w.PackedSize(k, n)), Y: make([]uint16, side*side*n), PitchY: n, Bias: make([]float32, n),
			}
			first, last = 0, p.Grid.Tiles
			scratch = make([]float32, w.Scratch(k, n, last))
			spoil(p)
			w.Run(p, first, last, scratch)
		})
		var panel, k0, k1 int
		expectPanics(t, map[string]func(b *[]float32){
			"panel": func(*[]float32) { panel = w.Panels(n) },
			"k0":    func(*[]float32) { k0 = -1 },
			"k1":    func(*[]float32) { k1 = k + 1 },
			"b":     func(b *[]float32) { *b = (*b)[1:] },
		}, func(spoil func(b *[]float32)) {
			b := make([]float32, w.PackedSize(k, n))
			panel, k0, k1 = 0, 0, k
			spoil(&b)
			w.Transform(b, make([]uint16, w.RoundedSize(k, n)), k, n, panel, k0, k1)
		})
	}
}
