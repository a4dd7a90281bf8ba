package kernel

import (
	"fmt"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/kernel/generic"
)

// WinogradI8 is Winograd's convolution of unsigned 8-bit integers with signed ones, in integers:
// the results are those of a direct product, bit for bit.
//
// Tiles of 4 x 4 outputs of 3x3 and the points 0, 1, -1, 2, -2 and infinity turn pixels into
// words of at most 17340, and weights, with 6 times those of 0 and infinity, into such of at most
// 6272. Sums of their products may be more than 32 bits hold, and are kept modulo 1<<32, as is
// what the output transform makes of them: 576 times the result at most, which is 64 times 9. An
// odd number has an inverse modulo 1<<32. What is left is 64 times the result, if that is less
// than 1<<25.
type WinogradI8 struct {
	Winograd // in whose sizes a pair of words is a float32, and K their number
	product  *GemmI16
	input    winogradInputI8
	output   winogradOutputI8
}

type winogradInputI8 func(tiles, channels int, x *uint8, pitch int, pixels *int32, zero *uint8, v *int16, ldv, points int)

type winogradOutputI8 func(tiles, channels int, m *int32, ldm, points int, y *uint8, pitch int, pixels *int32, scale, bias *float32)

// MostWinogradI8 is what a convolution's results have to be below, and above the negative of.
// WinogradScaleI8 is by how much too large the numbers are that a convolution's scale multiplies.
const MostWinogradI8, WinogradScaleI8 = 1 << 25, 64

// newWinogradI8 is of products with a panel as wide as that of float32.
func newWinogradI8(g *GemmF32, product *GemmI16, input winogradInputI8, output winogradOutputI8) *WinogradI8 {
	return &WinogradI8{
		Winograd: Winograd{Name: "WinogradI8_3x3", KH: 3, KW: 3, outputs: 4, gemm: g, points: []float64{1, 2}, zeros: 1},
		product:  product, input: input, output: output,
	}
}

// WinogradI8 returns the kernel for kh x kw, or nil where there is none that is faster than a
// direct product.
func (s *Set) WinogradI8(kh, kw int) *WinogradI8 {
	if w := s.winogradI8; w != nil && w.KH == kh && w.KW == kw {
		return w
	}
	return nil
}

// PackedSize is how many elements PackInto fills.
func (w *WinogradI8) PackedSize(k, n int) int { return w.Points() * w.product.PackedSize(k, n) }

// PackInto transforms weights, [3][3][k][n], to [points] of the packed b of a product of k rows
// and n columns, in dst, which is zero in the tail columns. It panics where k is odd.
func (w *WinogradI8) PackInto(dst []int16, weights []int8, k, n int) {
	if k%2 != 0 {
		panic(fmt.Sprintf("kernel: %s packs pairs of channels, and there are %d", w.Name, k))
	}
	nr, size := w.product.NR, w.product.PackedSize(k, n)
	var taps [9][]int8
	for row := range k {
		for tap := range taps {
			taps[tap] = weights[(tap*k+row)*n:][:n]
		}
		for j := range n {
			var columns [3][6]int16 // by the window's column
			for x := range columns {
				columns[x] = generic.WinogradWeightsI8(int16(taps[x][j]), int16(taps[3+x][j]), int16(taps[6+x][j]))
			}
			at := ((j/nr*k+row)/2*nr+j%nr)*2 + row%2
			for y := range 6 {
				for _, v := range generic.WinogradWeightsI8(columns[0][y], columns[1][y], columns[2][y]) {
					dst[at] = v
					at += size
				}
			}
		}
	}
}

// ConvolutionI8 is what a convolution of 8-bit integers by Winograd's algorithm reads and writes:
//
//	Y[pixel*PitchY+j] = acc*(WinogradScaleI8*Scale[j]) + Bias[j]
//
// where acc is the sum of the products of X under the kernel, which is less than MostWinogradI8,
// and Y rounded and limited as in ProductI8.
type ConvolutionI8 struct {
	Grid *Grid
	K, N int // channels of X, of Y; K is even

	X     []uint8
	Pitch int     // elements from pixel to pixel
	Zero  []uint8 // K zeros: the pixels outside
	B     []int16 // from PackInto

	Y           []uint8
	PitchY      int
	Scale, Bias []float32 // N
}

// Run computes tiles t0 to t1, with the scratch that so many need of K/2 and N channels. It
// panics where the slices are too short.
func (w *WinogradI8) Run(p *ConvolutionI8, t0, t1 int, scratch []float32) {
	p.check(w, t0, t1, len(scratch))
	if t0 == t1 {
		return
	}
	tiles, points := t1-t0, w.Points()
	l := w.layout(p.K/2, p.N, tiles)
	ldv, pointsV, size := 2*l.ldv, 2*l.pointsV, w.product.PackedSize(p.K, p.N)
	v := unsafe.Slice((*int16)(unsafe.Pointer(&scratch[0])), points*pointsV)
	m := unsafe.Slice((*int32)(unsafe.Pointer(&scratch[points*l.pointsV])), points*l.pointsM)
	for t := t0; t < t1; {
		count, first, image := p.Grid.call(t, t1)
		w.input(count, p.K, &p.X[image*p.Grid.imageIn*p.Pitch], p.Pitch, &p.Grid.in[first*points], &p.Zero[0],
			&v[(t-t0)*ldv], ldv, pointsV)
		t += count
	}
	for point := range points {
		w.product.Run(&ProductI16{
			M: tiles, N: p.N, K: p.K,
			A: v[point*pointsV:], LDA: ldv, B: p.B[point*size:], C: m[point*l.pointsM:], LDC: l.ldm,
		})
	}
	for t := t0; t < t1; {
		count, first, image := p.Grid.call(t, t1)
		w.output(count, p.N, &m[(t-t0)*l.ldm], l.ldm, l.pointsM,
			&p.Y[image*p.Grid.imageOut*p.PitchY], p.PitchY, &p.Grid.out[first*p.Grid.outputs], &p.Scale[0], &p.Bias[0])
		t += count
	}
}

// check panics unless everything that a Run reads and writes lies inside the slices.
func (p *ConvolutionI8) check(w *WinogradI8, t0, t1, scratch int) {
	if t0 < 0 || t0 > t1 || t1 > p.Grid.Tiles || p.K < 1 || p.K%2 != 0 || p.N < 1 || p.Pitch < 0 || p.PitchY < p.N {
		panic(fmt.Sprintf("kernel: tiles %d:%d of a convolution of %d tiles, %d channels at pitch %d to %d at pitch %d",
			t0, t1, p.Grid.Tiles, p.K, p.Pitch, p.N, p.PitchY))
	}
	need("X", len(p.X), p.Grid.Inputs, p.Pitch, p.K)
	need("Zero", len(p.Zero), 1, 0, p.K)
	need("B", len(p.B), 1, 0, w.PackedSize(p.K, p.N))
	need("Y", len(p.Y), p.Grid.Pixels, p.PitchY, p.N)
	need("Scale", len(p.Scale), 1, 0, p.N)
	need("Bias", len(p.Bias), 1, 0, p.N)
	need("scratch", scratch, 1, 0, w.Scratch(p.K/2, p.N, t1-t0))
}
