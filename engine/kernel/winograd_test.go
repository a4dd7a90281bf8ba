package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

type convolutionCase struct {
	images, h, w   int
	top, left      int
	outH, outW     int
	k, n           int
	bias, residual bool
	relu           bool
}

// winogradError is three times the largest error, relative to the root mean square of
// the output, that was measured for each kernel with K=224 and normal data.
var winogradError = map[[2]int]float64{{3, 3}: 27e-6, {1, 3}: 15e-6, {3, 1}: 15e-6, {1, 7}: 66e-6, {7, 1}: 66e-6}

// convolve is the sum at one pixel of one channel, in float64.
func convolve(w *WinogradF32, cc convolutionCase, x []float32, pitch int, weights []float32, image, y, xx, j int) float64 {
	sum := 0.0
	for dy := range w.KH {
		for dx := range w.KW {
			iy, ix := y+dy-cc.top, xx+dx-cc.left
			if iy < 0 || iy >= cc.h || ix < 0 || ix >= cc.w {
				continue
			}
			from := ((image*cc.h+iy)*cc.w + ix) * pitch
			for c := range cc.k {
				sum += float64(x[from+c]) * float64(weights[((dy*w.KW+dx)*cc.k+c)*cc.n+j])
			}
		}
	}
	return sum
}

// testWinograd compares a convolution, computed in two blocks of tiles, with float64 and
// returns the largest error relative to the root mean square of the sums.
func testWinograd(t *testing.T, w *WinogradF32, cc convolutionCase, r *rand.Rand) float64 {
	t.Helper()
	pixels := cc.images * cc.outH * cc.outW
	p := &ConvolutionF32{
		Grid: w.Grid(cc.images, cc.h, cc.w, cc.top, cc.left, cc.outH, cc.outW), K: cc.k, N: cc.n,
		Pitch: cc.k + 7, Zero: make([]float32, cc.k), PitchY: cc.n + 3, ReLU: cc.relu,
	}
	x := matrix(r, cc.images*cc.h*cc.w, cc.k, p.Pitch)
	p.X = x.s
	weights := matrix(r, w.KH*w.KW*cc.k, cc.n, cc.n).s
	p.B = w.Pack(weights, cc.k, cc.n)
	y := newGuarded((pixels-1)*p.PitchY + cc.n)
	p.Y = y.s
	if cc.bias {
		p.Bias = matrix(r, 1, cc.n, 0).s
	}
	if cc.residual {
		p.PitchR, p.Scale = cc.n+5, 0.5
		p.Residual = matrix(r, pixels, cc.n, p.PitchR).s
	}
	half := p.Grid.Tiles / 2
	for _, block := range [][2]int{{0, half}, {half, p.Grid.Tiles}} {
		scratch := newGuarded(w.Scratch(cc.k, cc.n, block[1]-block[0]))
		w.Run(p, block[0], block[1], scratch.s)
		scratch.check(t, "scratch")
	}
	y.checkGaps(t, fmt.Sprintf("%s %+v: Y", w.Name, cc), pixels, cc.n, p.PitchY)
	worst, squares := 0.0, 0.0
	for pixel := range pixels {
		image, at := pixel/(cc.outH*cc.outW), pixel%(cc.outH*cc.outW)
		for j := range cc.n {
			want := convolve(w, cc, p.X, p.Pitch, weights, image, at/cc.outW, at%cc.outW, j)
			squares += want * want
			if cc.bias {
				want += float64(p.Bias[j])
			}
			if cc.residual {
				want = float64(p.Residual[pixel*p.PitchR+j]) + 0.5*want
			}
			if cc.relu {
				want = max(want, 0)
			}
			diff := math.Abs(float64(p.Y[pixel*p.PitchY+j]) - want)
			if math.IsNaN(diff) {
				t.Fatalf("%s %+v: pixel %d, channel %d is not a number", w.Name, cc, pixel, j)
			}
			worst = max(worst, diff)
		}
	}
	return worst / math.Sqrt(squares/float64(pixels*cc.n))
}

func TestWinograd(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, w := range set.winograd {
			r := rand.New(rand.NewPCG(11, 12))
			bound := winogradError[[2]int{w.KH, w.KW}]
			try := func(cc convolutionCase) {
				t.Helper()
				if got := testWinograd(t, w, cc, r); !(got <= bound) {
					t.Errorf("%s %+v: error %.2g, at most %.2g", w.Name, cc, got, bound)
				}
			}
			same := convolutionCase{images: 1, top: w.KH / 2, left: w.KW / 2, k: 5, n: 3}
			for size := 1; size <= 9; size++ {
				cc := same
				cc.h, cc.w = size, 10-size
				cc.outH, cc.outW = cc.h, cc.w
				cc.images = 1 + size%2
				try(cc)
			}
			for k := 1; k <= 33; k++ {
				cc := same
				cc.h, cc.w, cc.outH, cc.outW = 5, 6, 5, 6
				cc.k, cc.n = k, 34-k
				cc.bias, cc.residual, cc.relu = k%2 == 0, k%3 == 0, k%5 == 0
				try(cc)
			}
			valid := convolutionCase{images: 3, h: 17, w: 13, outH: 18 - w.KH, outW: 14 - w.KW, k: 37, n: 41, bias: true, residual: true, relu: true}
			try(valid)
		}
	})
}

// With the depth and the data of the measurement, the error is that of the measurement.
func TestWinogradError(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, w := range set.winograd {
			got := testWinograd(t, w, convolutionCase{
				images: 1, h: 17, w: 17, top: w.KH / 2, left: w.KW / 2, outH: 17, outW: 17, k: 224, n: 32,
			}, rand.New(rand.NewPCG(13, 14)))
			t.Logf("%s: %.2g", w.Name, got)
			if bound := winogradError[[2]int{w.KH, w.KW}]; !(got <= bound) {
				t.Errorf("%s: error %.2g, at most %.2g", w.Name, got, bound)
			}
		}
	})
}
