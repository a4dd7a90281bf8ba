package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

type convolutionCase struct {
	images, h, w   int
	top, left      int
	outH, outW     int
	k, n           int
	bias, residual bool
	inPlace        bool // y is the residual
	relu           bool
	backwards      bool // the last tiles first
}

// winogradError is three times the largest error, relative to the root mean square of
// the output, that was measured for each kernel with K=224 and normal data.
var winogradError = map[[2]int]float64{{3, 3}: 27e-6, {1, 3}: 15e-6, {3, 1}: 15e-6, {1, 7}: 66e-6, {7, 1}: 66e-6}

// convolve is the sum at one pixel of one channel, in float64.
func convolve(w *Winograd, cc convolutionCase, x []float32, pitch int, weights []float32, image, y, xx, j int) float64 {
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

// gridOf lays the tiles of a convolution.
func gridOf(w *Winograd, images int, in, padding, out Pair) *Grid {
	window := Sliding(Pair{w.KH, w.KW})
	window.Padding = padding
	return w.Grid(Geometry{Window: window, Images: images, In: in, Out: out})
}

// testWinograd compares a convolution, computed in two blocks of tiles, with float64 and
// returns the largest error relative to the root mean square of the sums.
func testWinograd(t *testing.T, w *WinogradF32, cc convolutionCase, r *rand.Rand) float64 {
	t.Helper()
	pixels := cc.images * cc.outH * cc.outW
	p := &ConvolutionF32{
		Grid: gridOf(&w.Winograd, cc.images, Pair{cc.h, cc.w}, Pair{cc.top, cc.left}, Pair{cc.outH, cc.outW}), K: cc.k, N: cc.n,
		Pitch: prime(cc.k + 1), Zero: zeros(cc.k), PitchY: prime(cc.n + 1), ReLU: cc.relu,
	}
	x := matrix(r, cc.images*cc.h*cc.w, cc.k, p.Pitch)
	p.X = x.s
	weights := matrix(r, w.KH*w.KW*cc.k, cc.n, cc.n).s
	p.B = zeros(w.PackedSize(cc.k, cc.n))
	copy(p.B, w.Pack(weights, cc.k, cc.n))
	y := newGuarded((pixels-1)*p.PitchY + cc.n)
	p.Y = y.s
	if cc.bias {
		p.Bias = matrix(r, 1, cc.n, 0).s
	}
	var residual []float32
	if cc.residual {
		p.PitchR, p.Scale = prime(p.PitchY+1), 0.5
		if cc.inPlace {
			p.PitchR = p.PitchY
		}
		residual = matrix(r, pixels, cc.n, p.PitchR).s
		p.Residual = residual
		if cc.inPlace {
			copy(p.Y, residual)
			p.Residual = p.Y
		}
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
			want := convolve(&w.Winograd, cc, p.X, p.Pitch, weights, image, at/cc.outW, at%cc.outW, j)
			squares += want * want
			if cc.bias {
				want += float64(p.Bias[j])
			}
			if cc.residual {
				want = float64(residual[pixel*p.PitchR+j]) + 0.5*want
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
				cc.backwards = size%4 > 1
				try(cc)
			}
			for k := 1; k <= 33; k++ {
				cc := same
				cc.h, cc.w, cc.outH, cc.outW = 5, 6, 5, 6
				cc.k, cc.n = k, 34-k
				cc.bias, cc.residual, cc.relu = k%2 == 0, k%3 == 0, k%5 == 0
				cc.inPlace, cc.backwards = k%2 == 1, k%4 > 1
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

// Weights are packed with a factor for each output channel.
func TestWinogradPack(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(15, 16))
		for _, w := range set.winograd {
			const k, n = 5, 37
			weights, scale := matrix(r, w.KH*w.KW*k, n, n).s, make([]float32, n)
			scaled := slices.Clone(weights)
			for j := range scale {
				scale[j] = []float32{0.5, -2, 4}[j%3] // products with these are exact
				for i := range w.KH * w.KW * k {
					scaled[i*n+j] *= scale[j]
				}
			}
			got := newGuarded(w.PackedSize(k, n))
			clear(got.s)
			w.PackInto(got.s, weights, k, n, scale)
			got.check(t, w.Name+": packed")
			if !slices.Equal(got.s, w.Pack(scaled, k, n)) {
				t.Errorf("%s: packing with a scale differs from packing what is scaled", w.Name)
			}
		}
	})
}

// Weights that are packed before each run, panel by panel, in either order of their
// channels and of their taps, are those that are packed once, but for float32's rounding.
func TestWinogradPackPanel(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(17, 18))
		for _, w := range set.winograd {
			for _, transposed := range []bool{false, true} {
				const k, n = 37, 41
				taps := w.KH * w.KW
				weights := make([]float32, taps*k*n)
				given := WeightsF32{K: k, N: n, LDB: n + 3, Transposed: transposed, Scale: matrix(r, 1, n, 0).s}
				rows := taps * k
				if transposed {
					given.LDB, rows = k+3, taps*n
				}
				given.B = matrix(r, rows, given.LDB, given.LDB).s
				for tap := range taps {
					given.Taps = append(given.Taps, taps-1-tap)
					for row := range k {
						for j := range n {
							at := ((taps-1-tap)*k+row)*given.LDB + j
							if transposed {
								at = ((taps-1-tap)*n+j)*given.LDB + row
							}
							weights[(tap*k+row)*n+j] = given.B[at]
						}
					}
				}
				want := make([]float32, w.PackedSize(k, n))
				w.PackInto(want, weights, k, n, given.Scale)
				got, scratch := newGuarded(len(want)), newGuarded(w.PackScratch())
				for panel := range w.gemm.Panels(n) {
					w.PackPanel(got.s, &given, panel, scratch.s)
				}
				got.check(t, w.Name)
				scratch.check(t, w.Name+": scratch")
				for i, v := range want {
					if d := math.Abs(float64(got.s[i]) - float64(v)); !(d <= 2e-5) {
						t.Fatalf("%s, transposed: %t: element %d is %g, want %g", w.Name, transposed, i, got.s[i], v)
					}
				}
			}
		}
	})
}

// Not a number stays so through ReLU, in each pixel that it is under the window of.
func TestWinogradKeepsNaN(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for _, w := range set.winograd {
			const side, k, n = 9, 3, 35
			p := &ConvolutionF32{
				Grid: gridOf(&w.Winograd, 1, Square(side), Pair{w.KH / 2, w.KW / 2}, Square(side)), K: k, N: n,
				X: make([]float32, side*side*k), Pitch: k, Zero: make([]float32, k),
				B: w.Pack(slices.Repeat([]float32{1}, w.KH*w.KW*k*n), k, n),
				Y: make([]float32, side*side*n), PitchY: n, ReLU: true,
			}
			p.X[(4*side+4)*k] = float32(math.NaN())
			w.Run(p, 0, p.Grid.Tiles, make([]float32, w.Scratch(k, n, p.Grid.Tiles)))
			for y := 4 - w.KH/2; y <= 4+w.KH/2; y++ {
				for x := 4 - w.KW/2; x <= 4+w.KW/2; x++ {
					for j := range n {
						if v := p.Y[(y*side+x)*n+j]; !math.IsNaN(float64(v)) {
							t.Fatalf("%s: pixel %d,%d, channel %d is %g", w.Name, y, x, j, v)
						}
					}
				}
			}
			if v := p.Y[0]; v != 0 {
				t.Errorf("%s: the pixel in the corner is %g, want 0", w.Name, v)
			}
		}
	})
}

func TestWinogradRefusesShortSlices(t *testing.T) {
	set, err := For(Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range set.winograd {
		var first, last int
		var scratch []float32
		expectPanics(t, map[string]func(p *ConvolutionF32){
			"X":        func(p *ConvolutionF32) { p.X = p.X[:len(p.X)-1] },
			"Zero":     func(p *ConvolutionF32) { p.Zero = p.Zero[1:] },
			"B":        func(p *ConvolutionF32) { p.B = p.B[1:] },
			"Y":        func(p *ConvolutionF32) { p.Y = p.Y[:len(p.Y)-1] },
			"Bias":     func(p *ConvolutionF32) { p.Bias = p.Bias[1:] },
			"Residual": func(p *ConvolutionF32) { p.Residual = p.Residual[1:] },
			"scratch":  func(*ConvolutionF32) { scratch = scratch[1:] },
			"Pitch":    func(p *ConvolutionF32) { p.Pitch = -1 },
			"PitchY":   func(p *ConvolutionF32) { p.PitchY = p.N - 1 },
			"PitchR":   func(p *ConvolutionF32) { p.PitchR = -1 },
			"K":        func(p *ConvolutionF32) { p.K = 0 },
			"N":        func(p *ConvolutionF32) { p.N = 0 },
			"first":    func(*ConvolutionF32) { first = -1 },
			"last":     func(*ConvolutionF32) { last++ },
		}, func(spoil func(p *ConvolutionF32)) {
			const side, k, n = 5, 3, 7
			p := &ConvolutionF32{
				Grid: gridOf(&w.Winograd, 1, Square(side), Pair{w.KH / 2, w.KW / 2}, Square(side)), K: k, N: n,
				X: make([]float32, side*side*k), Pitch: k, Zero: make([]float32, k),
				B: make([]float32, w.PackedSize(k, n)), Y: make([]float32, side*side*n), PitchY: n,
				Bias: make([]float32, n), Residual: make([]float32, side*side*n), PitchR: n,
			}
			first, last = 0, p.Grid.Tiles
			scratch = make([]float32, w.Scratch(k, n, last))
			spoil(p)
			w.Run(p, first, last, scratch)
		})
	}
}
