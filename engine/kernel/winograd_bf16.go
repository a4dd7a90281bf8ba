package kernel

import (
	"fmt"
	"math"
)

// WinogradBF16 is Winograd's convolution of bfloat16: pixels and weights are widened and
// transformed in float32, in which the products are made too, and only the result is
// rounded. Its tiles are larger than those of float32. They round more, which is next to
// nothing beside the rounding of the result.
type WinogradBF16 struct {
	Winograd
	input   winogradInputBF16
	output  winogradOutputBF16
	weights winogradWeightsBF16
	ofTaps  []float32 // coefficients of the weights' transform
}

type winogradInputBF16 func(tiles, channels int, x *uint16, pitch int, pixels *int32, zero *uint16, v *float32, ldv, points int, coefs *float32)

type winogradOutputBF16 func(tiles, channels int, m *float32, ldm, points int, y *uint16, pitch int, pixels *int32,
	bias *float32, floor float32, coefs *float32)

type winogradWeightsBF16 func(rows int, w *uint16, b *float32, points int, coefs *float32)

// winogradTransformsBF16 are the transforms of one size of tile.
type winogradTransformsBF16 struct {
	input   winogradInputBF16
	output  winogradOutputBF16
	weights winogradWeightsBF16
}

// newWinogradBF16 lists the sizes of kernel and tile that the transforms serve: squares of
// 8, 9 and 10 points along a side, and lines of 15. The largest errors, relative to the root
// mean square of the output, are 3e-5, 8e-5, 2e-4 and 3e-4; bfloat16 rounds by up to 4e-3
// of a value.
func newWinogradBF16(g *GemmF32, t8x8, t9x9, t10x10, t15 winogradTransformsBF16) []*WinogradBF16 {
	var all []*WinogradBF16
	add := func(kh, kw, outputs, zeros int, points []float64, t winogradTransformsBF16) {
		w := &WinogradBF16{input: t.input, output: t.output, weights: t.weights}
		w.Winograd = winogradOf(fmt.Sprintf("WinogradBF16_%dx%d_%d", kh, kw, outputs), kh, kw, outputs, zeros, points, g)
		taps := max(kh, kw)
		for i, row := range w.weightTransform(taps) {
			switch {
			case i < zeros:
				w.ofTaps = append(w.ofTaps, float32(row[0]))
			case (i-zeros)%2 == 0 && i < w.side()-1:
				w.ofTaps = append(w.ofTaps, rounded(row)...)
			}
		}
		all = append(all, w)
	}
	add(3, 3, 6, 1, []float64{1. / 2, 1, 2}, t8x8)
	add(3, 3, 7, 0, []float64{1. / 4, 3. / 4, 5. / 4, 2}, t9x9)
	add(3, 3, 8, 1, []float64{1. / 2, 4. / 5, 5. / 4, 2}, t10x10)
	seven := []float64{1. / 5, 1. / 2, 3. / 4, 1, 13. / 10, 9. / 5, 3}
	add(1, 7, 9, 0, seven, t15)
	add(7, 1, 9, 0, seven, t15)
	return all
}

// WinogradBF16 returns the kernels for kh x kw, of different sizes of tiles.
func (s *Set) WinogradBF16(kh, kw int) []*WinogradBF16 {
	var all []*WinogradBF16
	for _, w := range s.winogradBF16 {
		if w.KH == kh && w.KW == kw {
			all = append(all, w)
		}
	}
	return all
}

// RoundedSize is how many elements RoundInto fills.
func (w *WinogradBF16) RoundedSize(k, n int) int { return w.KH * w.KW * w.gemm.PackedSize(1, k, n) }

// RoundInto rounds weights, [KH][KW][k][n], with output channel j multiplied by scale[j]
// unless scale is nil, to bfloat16 in dst, [ceil(n/NR)][k][KH*KW][NR], which is zero in the
// tail columns.
func (w *WinogradBF16) RoundInto(dst []uint16, weights []float32, k, n int, scale []float32) {
	taps, nr := w.KH*w.KW, w.gemm.NR
	// In the order of the weights: they may have to come from memory.
	for row := range taps * k {
		tap, channel := row/k, row%k
		for panel := range w.gemm.Panels(n) {
			j := panel * nr
			width := min(nr, n-j)
			to := dst[((panel*k+channel)*taps+tap)*nr:][:width]
			for i, v := range weights[row*n+j:][:width] {
				if scale != nil {
					v *= scale[j+i]
				}
				to[i] = ToBF16(v)
			}
		}
	}
}

// Transform transforms rows k0 to k1 of a panel of rounded weights to the points of the
// packed weights b. It panics where the slices are too short.
func (w *WinogradBF16) Transform(b []float32, weights []uint16, k, n, panel, k0, k1 int) {
	if panel < 0 || panel >= w.Panels(n) || k0 < 0 || k0 > k1 || k1 > k {
		panic(fmt.Sprintf("kernel: rows %d:%d of %d, panel %d of %d", k0, k1, k, panel, w.Panels(n)))
	}
	need("weights", len(weights), 1, 0, w.RoundedSize(k, n))
	need("B", len(b), 1, 0, w.PackedSize(k, n))
	if k0 == k1 {
		return
	}
	row, nr := panel*k+k0, w.gemm.NR
	w.weights(k1-k0, &weights[row*w.KH*w.KW*nr], &b[row*nr], w.gemm.PackedSize(1, k, n), &w.ofTaps[0])
}

// ConvolutionBF16 is what a convolution of bfloat16 by Winograd's algorithm reads and
// writes:
//
//	Y[pixel*PitchY+j] = as ProductBF16, of the pixels of X under the kernel
type ConvolutionBF16 struct {
	Grid *Grid
	K, N int // channels of X, of Y

	X     []uint16
	Pitch int       // elements from pixel to pixel
	Zero  []uint16  // K zeros: the pixels outside
	B     []float32 // from Transform

	Y      []uint16
	PitchY int
	Bias   []float32 // N
	ReLU   bool
}

// Run computes tiles t0 to t1, with the scratch that so many need. It panics where the
// slices are too short.
func (w *WinogradBF16) Run(p *ConvolutionBF16, t0, t1 int, scratch []float32) {
	p.check(w, t0, t1, len(scratch))
	if t0 == t1 {
		return
	}
	tiles, points := t1-t0, w.Points()
	l := w.layout(p.K, p.N, tiles)
	v, m := scratch[:points*l.pointsV], scratch[points*l.pointsV:]
	for t := t0; t < t1; {
		count, first, image := p.Grid.call(t, t1)
		w.input(count, p.K, &p.X[image*p.Grid.imageIn*p.Pitch], p.Pitch, &p.Grid.in[first*points], &p.Zero[0],
			&v[(t-t0)*l.ldv], l.ldv, l.pointsV, &w.toPoints[0])
		t += count
	}
	w.multiply(tiles, p.K, p.N, v, p.B, m)
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	for t := t0; t < t1; {
		count, first, image := p.Grid.call(t, t1)
		w.output(count, p.N, &m[(t-t0)*l.ldm], l.ldm, l.pointsM,
			&p.Y[image*p.Grid.imageOut*p.PitchY], p.PitchY, &p.Grid.out[first*p.Grid.outputs],
			at(p.Bias, 0), floor, &w.fromPoints[0])
		t += count
	}
}

// check panics unless everything that a Run reads and writes lies inside the slices.
func (p *ConvolutionBF16) check(w *WinogradBF16, t0, t1, scratch int) {
	if t0 < 0 || t0 > t1 || t1 > p.Grid.Tiles || p.K < 1 || p.N < 1 || p.Pitch < 0 || p.PitchY < p.N {
		panic(fmt.Sprintf("kernel: tiles %d:%d of a convolution of %d tiles, %d channels at pitch %d to %d at pitch %d",
			t0, t1, p.Grid.Tiles, p.K, p.Pitch, p.N, p.PitchY))
	}
	need("X", len(p.X), p.Grid.Inputs, p.Pitch, p.K)
	need("Zero", len(p.Zero), 1, 0, p.K)
	need("B", len(p.B), 1, 0, w.PackedSize(p.K, p.N))
	need("Y", len(p.Y), p.Grid.Pixels, p.PitchY, p.N)
	if p.Bias != nil {
		need("Bias", len(p.Bias), 1, 0, p.N)
	}
	need("scratch", scratch, 1, 0, w.Scratch(p.K, p.N, t1-t0))
}
