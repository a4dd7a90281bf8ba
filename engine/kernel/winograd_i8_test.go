package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// eachWinogradI8 runs a test on all kernels of the machine, and on those of AVX-512 that are not
// its usual ones where it has VNNI.
func eachWinogradI8(t *testing.T, test func(t *testing.T, w *WinogradI8)) {
	eachSet(t, func(t *testing.T, set *Set) {
		if set.winogradI8 == nil {
			t.Skipf("%s multiplies bytes too fast for this algorithm", set.ISA)
		}
		for _, w := range set.winogradI8 {
			t.Run(w.Name, func(t *testing.T) { test(t, w) })
		}
	})
	for _, w := range otherWinogradI8() {
		t.Run(w.Name+" without VNNI", func(t *testing.T) { test(t, w) })
	}
}

// samePadding is a case whose results are as many as the pixels.
func samePadding(w *WinogradI8, images, h, width, k, n int) convolutionCase {
	return convolutionCase{images: images, h: h, w: width, top: w.KH / 2, left: w.KW / 2, outH: h, outW: width, k: k, n: n}
}

// oneTile is a case of a single tile, none of which is outside.
func oneTile(w *WinogradI8, k, n int) convolutionCase {
	cc := convolutionCase{images: 1, outH: 1, outW: 1, k: k, n: n}
	if w.KH > 1 {
		cc.outH = w.outputs
	}
	if w.KW > 1 {
		cc.outW = w.outputs
	}
	cc.h, cc.w = cc.outH+w.KH-1, cc.outW+w.KW-1
	return cc
}

// testConvolutionI8 is a convolution of random integers, with what they are made of.
type testConvolutionI8 struct {
	ConvolutionI8
	of      convolutionCase
	y       guardedOf[uint8]
	weights []int8
	wide    []float32 // X
	sums    []int     // [pixels][N]
}

// newConvolutionI8 has weights from -most to most, of which many are those.
func newConvolutionI8(w *WinogradI8, cc convolutionCase, most int, r *rand.Rand) *testConvolutionI8 {
	pixels := cc.images * cc.outH * cc.outW
	p := &testConvolutionI8{of: cc, ConvolutionI8: ConvolutionI8{
		Grid: gridOf(&w.Winograd, cc.images, Pair{cc.h, cc.w}, Pair{cc.top, cc.left}, Pair{cc.outH, cc.outW}), K: cc.k, N: cc.n,
		Pitch: prime(cc.k + 1), Zero: newGuardedOf[uint8](cc.k).s, PitchY: prime(cc.n + 1),
		Scale: newGuarded(cc.n).s, Bias: newGuarded(cc.n).s,
	}}
	clear(p.Zero)
	p.X = matrixU8(r, cc.images*cc.h*cc.w, cc.k, p.Pitch).s
	p.wide = make([]float32, len(p.X))
	for i, v := range p.X {
		p.wide[i] = float32(v)
	}
	p.weights = make([]int8, w.KH*w.KW*cc.k*cc.n)
	wide := make([]float32, len(p.weights))
	for i := range p.weights {
		p.weights[i] = int8(extremes(r, -most, min(most, 127)))
		wide[i] = float32(p.weights[i])
	}
	p.B = make([]int16, w.PackedSize(cc.k, cc.n))
	w.PackInto(p.B, p.weights, cc.k, cc.n)
	for pixel := range pixels {
		image, at := pixel/(cc.outH*cc.outW), pixel%(cc.outH*cc.outW)
		for j := range cc.n {
			p.sums = append(p.sums, int(convolve(&w.Winograd, cc, p.wide, p.Pitch, wide, image, at/cc.outW, at%cc.outW, j)))
		}
	}
	p.y = newGuardedOf[uint8]((pixels-1)*p.PitchY + cc.n)
	p.Y = p.y.s
	return p
}

// run computes the tiles in two blocks.
func (p *testConvolutionI8) run(t *testing.T, w *WinogradI8) {
	t.Helper()
	half := p.Grid.Tiles / 2
	blocks := [][2]int{{0, half}, {half, p.Grid.Tiles}}
	if p.of.backwards {
		slices.Reverse(blocks)
	}
	for _, block := range blocks {
		scratch := newGuarded(w.Scratch(p.K, p.N, block[1]-block[0]))
		w.Run(&p.ConvolutionI8, block[0], block[1], scratch.s)
		scratch.check(t, "scratch")
	}
	p.y.checkGaps(t, fmt.Sprintf("%s %+v: Y", w.Name, p.of), len(p.sums)/p.N, p.N, p.PitchY)
}

// Every sum is exact: less itself and plus 100 it is 100, if it is not rounded.
func (p *testConvolutionI8) expectExact(t *testing.T, w *WinogradI8) {
	t.Helper()
	for pixel := range len(p.sums) / p.N {
		for j := range p.N {
			p.Scale[j], p.Bias[j] = 1./WinogradScaleI8, 100-float32(p.sums[pixel*p.N+j])
		}
		p.run(t, w)
		for j, got := range p.Y[pixel*p.PitchY:][:p.N] {
			if got != 100 {
				t.Fatalf("%s %+v: pixel %d, channel %d is %d too large, of %d", w.Name, p.of, pixel, j, int(got)-100, p.sums[pixel*p.N+j])
			}
		}
	}
}

func TestWinogradI8IsExact(t *testing.T) {
	eachWinogradI8(t, func(t *testing.T, w *WinogradI8) {
		r := rand.New(rand.NewPCG(31, 32))
		for k := 2; k <= 70; k += 2 {
			newConvolutionI8(w, samePadding(w, 1, 2+k%5, 7-k%5, k, 1+(k*7)%67), 128, r).expectExact(t, w)
		}
		// As large as sums may be, which is less than 1<<25.
		area := w.KH * w.KW
		k := (MostWinogradI8 - 1) / (255 * 128 * area) &^ 1
		newConvolutionI8(w, oneTile(w, k, 33), 128, r).expectExact(t, w)
		newConvolutionI8(w, oneTile(w, (MostWinogradI8-1)/(255*15*area)&^1, 5), 15, r).expectExact(t, w)
	})
}

// The largest sums of either sign, with which sums at the points wrap around, are those of
// products.
func TestWinogradI8OfTheLargest(t *testing.T) {
	eachWinogradI8(t, func(t *testing.T, w *WinogradI8) {
		r := rand.New(rand.NewPCG(33, 34))
		for _, weight := range []int8{-128, 127} {
			k := (MostWinogradI8 - 1) / (255 * 128 * w.KH * w.KW) &^ 1
			p := newConvolutionI8(w, oneTile(w, k, 11), 1, r)
			for i := range p.X {
				p.X[i] = 255
			}
			for i := range p.weights {
				p.weights[i] = weight
			}
			w.PackInto(p.B, p.weights, p.K, p.N)
			sum := w.KH * w.KW * k * 255 * int(weight) // more than 1<<24, and a multiple of two
			for i := range p.sums {
				p.sums[i] = sum
			}
			for j := range p.Scale {
				p.Scale[j], p.Bias[j] = 1./WinogradScaleI8, 100-float32(sum)
			}
			p.run(t, w)
			for i := range p.sums {
				want := 100 + int(float32(sum)) - int(float32(sum))
				if got := p.Y[i/p.N*p.PitchY+i%p.N]; int(got) != want {
					t.Fatalf("%d: value %d is %d, want %d", weight, i, got, want)
				}
			}
		}
	})
}

// Results are those of a direct product with the same factors.
func TestWinogradI8(t *testing.T) {
	eachWinogradI8(t, func(t *testing.T, w *WinogradI8) {
		r := rand.New(rand.NewPCG(35, 36))
		try := func(cc convolutionCase) {
			t.Helper()
			p := newConvolutionI8(w, cc, 128, r)
			for j := range p.Scale {
				p.Scale[j], p.Bias[j] = float32(1e-6*(0.5+r.Float64())), float32(128+50*r.NormFloat64())
			}
			p.run(t, w)
			for i, sum := range p.sums {
				scaled := float64(sum) * WinogradScaleI8 * float64(p.Scale[i%p.N])
				v := scaled + float64(p.Bias[i%p.N])
				low, high := roundings(v, 3*0x1p-24*(max(scaled, -scaled)+float64(p.Bias[i%p.N])))
				if got := float64(p.Y[i/p.N*p.PitchY+i%p.N]); got < low || got > high {
					t.Fatalf("%s %+v: value %d is %g, want %g", w.Name, cc, i, got, v)
				}
			}
		}
		for size := 1; size <= 18; size++ {
			cc := samePadding(w, 1+size%3, size, 19-size, 6, 3)
			cc.backwards = size%4 > 1
			try(cc)
		}
		for k := 2; k <= 100; k += 2 {
			cc := samePadding(w, 1, 5, 6, k, 101-k)
			cc.backwards = k%4 > 1
			try(cc)
		}
		try(convolutionCase{images: 3, h: 17, w: 13, outH: 18 - w.KH, outW: 14 - w.KW, k: 36, n: 41})
	})
}

func TestGemmI16(t *testing.T) {
	eachWinogradI8(t, func(t *testing.T, w *WinogradI8) {
		g, r := w.product, rand.New(rand.NewPCG(37, 38))
		for m := 1; m <= 2*g.rows+1; m++ {
			for n := 1; n <= 2*g.NR+1; n++ {
				k := 2 * (1 + (m*n)%19)
				p := &ProductI16{M: m, N: n, K: k, LDA: prime(k + 1), LDC: prime(n + 1)}
				p.A, p.C = make([]int16, (m-1)*p.LDA+k), make([]int32, (m-1)*p.LDC+n)
				for i := range p.A {
					p.A[i] = int16(extremes(r, -1<<15, 1<<15-1))
				}
				for i := range p.C {
					p.C[i] = 12345
				}
				b := make([]int16, k*n)
				p.B = make([]int16, g.PackedSize(k, n))
				for i := range b {
					row, j := i/n, i%n
					b[i] = int16(extremes(r, -1<<15, 1<<15-1))
					p.B[((j/g.NR*k+row)/2*g.NR+j%g.NR)*2+row%2] = b[i]
				}
				g.Run(p)
				for i := range p.C {
					want := int32(12345)
					if row, j := i/p.LDC, i%p.LDC; j < n {
						want = 0
						for c := range k {
							want += int32(p.A[row*p.LDA+c]) * int32(b[c*n+j])
						}
					}
					if p.C[i] != want {
						t.Fatalf("%s, %d x %d, K=%d: element %d is %d, want %d", g.Name, m, n, k, i, p.C[i], want)
					}
				}
			}
		}
	})
}

func TestWinogradI8RefusesShortSlices(t *testing.T) {
	set, err := For(Generic)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range set.winogradI8 {
		t.Run(w.Name, func(t *testing.T) { testShortWinogradI8(t, w) })
	}
}

func testShortWinogradI8(t *testing.T, w *WinogradI8) {
	const side, k, n = 5, 4, 7
	var first, last int
	var scratch []float32
	expectPanics(t, map[string]func(p *ConvolutionI8){
		"X":       func(p *ConvolutionI8) { p.X = p.X[:len(p.X)-1] },
		"Zero":    func(p *ConvolutionI8) { p.Zero = p.Zero[1:] },
		"B":       func(p *ConvolutionI8) { p.B = p.B[1:] },
		"Y":       func(p *ConvolutionI8) { p.Y = p.Y[:len(p.Y)-1] },
		"Scale":   func(p *ConvolutionI8) { p.Scale = p.Scale[1:] },
		"Bias":    func(p *ConvolutionI8) { p.Bias = p.Bias[1:] },
		"scratch": func(*ConvolutionI8) { scratch = scratch[1:] },
		"Pitch":   func(p *ConvolutionI8) { p.Pitch = -1 },
		"PitchY":  func(p *ConvolutionI8) { p.PitchY = p.N - 1 },
		"K":       func(p *ConvolutionI8) { p.K = 0 },
		"odd K":   func(p *ConvolutionI8) { p.K = 3 },
		"N":       func(p *ConvolutionI8) { p.N = 0 },
		"first":   func(*ConvolutionI8) { first = -1 },
		"last":    func(*ConvolutionI8) { last++ },
	}, func(spoil func(p *ConvolutionI8)) {
		p := &ConvolutionI8{
			Grid: gridOf(&w.Winograd, 1, Square(side), Pair{w.KH / 2, w.KW / 2}, Square(side)), K: k, N: n,
			X: make([]uint8, side*side*k), Pitch: k, Zero: make([]uint8, k),
			B: make([]int16, w.PackedSize(k, n)), Y: make([]uint8, side*side*n), PitchY: n,
			Scale: make([]float32, n), Bias: make([]float32, n),
		}
		first, last = 0, p.Grid.Tiles
		scratch = make([]float32, w.Scratch(k, n, last))
		spoil(p)
		w.Run(p, first, last, scratch)
	})
	expectPanics(t, map[string]func(p *ProductI16){
		"A":     func(p *ProductI16) { p.A = p.A[1:] },
		"B":     func(p *ProductI16) { p.B = p.B[1:] },
		"C":     func(p *ProductI16) { p.C = p.C[1:] },
		"odd K": func(p *ProductI16) { p.K = 3 },
		"K":     func(p *ProductI16) { p.K = 0 },
	}, func(spoil func(p *ProductI16)) {
		p := &ProductI16{M: 3, N: n, K: k, A: make([]int16, 3*k), LDA: k, B: make([]int16, w.product.PackedSize(k, n)), C: make([]int32, 3*n), LDC: n}
		spoil(p)
		w.product.Run(p)
	})
}
