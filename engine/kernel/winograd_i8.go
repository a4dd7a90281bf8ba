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
//
// Windows of seven along one side are two pieces of four taps, of which the second has a zero in
// the place of the tap that they share: seven would need more points than words have room for.
// Tiles of 6 outputs and the points 0, 1, -1, 2, -2, 1/2, -1/2, 3 and infinity turn pixels into
// words of at most 25500, and weights into such of at most 5120. Both pieces are summed in one
// product of twice the depth. It gives 12600 times the result, which is 8 times 1575.
type WinogradI8 struct {
	Winograd // in whose sizes a pair of words is a float32, and K their number
	pieces   int
	product  *GemmI16
	winogradTransformsI8
}

// winogradTransformsI8 are transforms for at least so many channels before and after; for fewer
// those in Go are in their place.
type winogradTransformsI8 struct {
	leastIn, leastOut int
	input             winogradInputI8
	output            winogradOutputI8
}

type winogradInputI8 func(tiles, channels int, x *uint8, pitch int, pixels *int32, zero *uint8, v *int16, ldv, points int)

type winogradOutputI8 func(tiles, channels int, m *int32, ldm, points int, y *uint8, pitch int, pixels *int32, scale, bias *float32)

// MostWinogradI8 is what a convolution's results have to be below, and above the negative of.
// WinogradScaleI8 is by how much too large the numbers are that a convolution's scale multiplies.
const MostWinogradI8, WinogradScaleI8 = 1 << 25, 64

// newWinogradI8 lists the sizes of kernel that the transforms serve: of squares, and of lines.
// Panels are as wide as those of float32.
func newWinogradI8(g *GemmF32, product *GemmI16, square, line winogradTransformsI8) []*WinogradI8 {
	of := func(kh, kw, outputs, pieces int, points []float64, zeros int, t winogradTransformsI8) *WinogradI8 {
		return &WinogradI8{
			Winograd: Winograd{Name: fmt.Sprintf("WinogradI8_%dx%d", kh, kw), KH: kh, KW: kw, outputs: outputs, gemm: g, points: points, zeros: zeros},
			pieces:   pieces, product: product, winogradTransformsI8: t,
		}
	}
	return []*WinogradI8{
		of(3, 3, 4, 1, []float64{1, 2}, 1, square),
		of(1, 7, 6, 2, []float64{1, 2, 1. / 2}, 2, line),
		of(7, 1, 6, 2, []float64{1, 2, 1. / 2}, 2, line),
	}
}

// WinogradI8 returns the kernel for kh x kw, or nil where there is none that is faster than a
// direct product.
func (s *Set) WinogradI8(kh, kw int) *WinogradI8 {
	for _, w := range s.winogradI8 {
		if w.KH == kh && w.KW == kw {
			return w
		}
	}
	return nil
}

// Depth is how many products of words make a sum at a point, of k channels.
func (w *WinogradI8) Depth(k int) int { return w.pieces * k }

// WordProducts is how many products of GemmI8 take as long as one of words.
func (w *WinogradI8) WordProducts() int { return w.product.bytes }

// Scratch is how many floats Run needs for a number of tiles at a time.
func (w *WinogradI8) Scratch(k, n, tiles int) int { return w.Winograd.Scratch(w.Depth(k)/2, n, tiles) }

// PackedSize is how many elements PackInto fills.
func (w *WinogradI8) PackedSize(k, n int) int {
	return w.Points() * w.product.PackedSize(w.Depth(k), n)
}

// PackInto transforms weights, [KH][KW][k][n], to [points] of the packed b of a product of
// Depth(k) rows and n columns, in dst, which is zero in the tail columns. It panics where k is
// odd.
func (w *WinogradI8) PackInto(dst []int16, weights []int8, k, n int) {
	if k%2 != 0 {
		panic(fmt.Sprintf("kernel: %s packs pairs of channels, and there are %d", w.Name, k))
	}
	nr, depth, size := w.product.NR, w.Depth(k), w.product.PackedSize(w.Depth(k), n)
	columnAt := make([]int, n)
	for j := range columnAt {
		columnAt[j] = j/nr*depth*nr + j%nr*2
	}
	taps := make([][]int8, w.KH*w.KW)
	for row := range k {
		for tap := range taps {
			taps[tap] = weights[(tap*k+row)*n:][:n]
		}
		for j := range n {
			at := func(row int) int { return columnAt[j] + row/2*2*nr + row%2 }
			tap := func(i int) int16 { return int16(taps[i][j]) }
			if w.pieces == 2 {
				for piece, values := range [][9]int16{
					generic.WinogradWeightsI8Line(tap(0), tap(1), tap(2), tap(3)),
					generic.WinogradWeightsI8Line(0, tap(4), tap(5), tap(6)),
				} {
					for point, v := range values {
						dst[point*size+at(piece*k+row)] = v
					}
				}
				continue
			}
			var columns [3][6]int16 // by the window's column
			for x := range columns {
				columns[x] = generic.WinogradWeightsI8(tap(x), tap(3+x), tap(6+x))
			}
			for y := range 6 {
				for x, v := range generic.WinogradWeightsI8(columns[0][y], columns[1][y], columns[2][y]) {
					dst[(6*y+x)*size+at(row)] = v
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
	input, output := w.input, w.output
	if p.K < w.leastIn {
		input = w.inGo().input
	}
	if p.N < w.leastOut {
		output = w.inGo().output
	}
	tiles, points, depth := t1-t0, w.Points(), w.Depth(p.K)
	l := w.layout(depth/2, p.N, tiles)
	ldv, pointsV, size := 2*l.ldv, 2*l.pointsV, w.product.PackedSize(depth, p.N)
	v := unsafe.Slice((*int16)(unsafe.Pointer(&scratch[0])), points*pointsV)
	m := unsafe.Slice((*int32)(unsafe.Pointer(&scratch[points*l.pointsV])), points*l.pointsM)
	for t := t0; t < t1; {
		count, first, image := p.Grid.call(t, t1)
		input(count, p.K, &p.X[image*p.Grid.imageIn*p.Pitch], p.Pitch, &p.Grid.in[first*p.Grid.inputs], &p.Zero[0],
			&v[(t-t0)*ldv], ldv, pointsV)
		t += count
	}
	for point := range points {
		w.product.Run(&ProductI16{
			M: tiles, N: p.N, K: depth,
			A: v[point*pointsV:], LDA: ldv, B: p.B[point*size:], C: m[point*l.pointsM:], LDC: l.ldm,
		})
	}
	for t := t0; t < t1; {
		count, first, image := p.Grid.call(t, t1)
		output(count, p.N, &m[(t-t0)*l.ldm], l.ldm, l.pointsM,
			&p.Y[image*p.Grid.imageOut*p.PitchY], p.PitchY, &p.Grid.out[first*p.Grid.outputs], &p.Scale[0], &p.Bias[0])
		t += count
	}
}

// inGo are the transforms in plain Go.
func (w *WinogradI8) inGo() winogradTransformsI8 {
	if w.pieces == 2 {
		return winogradTransformsI8{input: generic.WinogradInputI8_12, output: generic.WinogradOutputI8_9_6}
	}
	return winogradTransformsI8{input: generic.WinogradInputI8_6x6, output: generic.WinogradOutputI8_6x6_4x4}
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
	need("scratch", scratch, 1, 0, w.Scratch(p.K, p.N, t1-t0))
}
