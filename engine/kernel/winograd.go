package kernel

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// Winograd is Winograd's convolution for one size of kernel at stride 1 and one size of
// tile: an input transform of tiles to a number of points, a matrix product at each point
// and an output transform back. The larger the tile, the fewer products, and the more
// rounding.
type Winograd struct {
	Name   string
	KH, KW int

	outputs    int // pixels along a side of a tile that is not one pixel high or wide
	gemm       *GemmF32
	points     []float64 // p of each pair p, -p
	zeros      int       // 1 where 0 is a point, 2 with one more that is in no pair; infinity always is
	toPoints   []float32 // coefficients of the input transform
	fromPoints []float32 // and of the output transform
	fromTaps   []float32 // of the weights' transform: [points][taps]
}

// WinogradF32 is Winograd's convolution of float32. Its gradient with respect to the
// weights is the same backwards.
type WinogradF32 struct {
	Winograd
	sum      *GradientF32 // whose columns are those of gemm
	input    winogradInputF32
	output   winogradOutputF32
	gradient winogradInputF32 // the transposed output transform
}

type winogradInputF32 func(tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs *float32)

type winogradOutputF32 func(tiles, channels int, m *float32, ldm, points int, y *float32, pitch int, pixels *int32,
	bias, residual *float32, ldr int, scale, floor float32, coefs *float32)

// winogradTransforms are an ISA's transforms: of squares of 6 x 6 points, of lines of 6
// and of lines of 10.
type winogradTransforms struct {
	input6x6, input6, input10    winogradInputF32
	output6x6, output6, output10 winogradOutputF32

	gradient6x6, gradient6, gradient10 winogradInputF32
}

// newWinograd lists the sizes of kernel that the transforms serve. With these points
// the largest error, relative to the root mean square of the output, stays below 3e-5.
func newWinograd(g *GemmF32, sum *GradientF32, t winogradTransforms) []*WinogradF32 {
	const outputs, zeros = 4, 1
	four := []float64{2. / 3, 3. / 2}
	eight := []float64{1. / 2, 3. / 4, 4. / 3, 2}
	of := func(kh, kw int, points []float64) Winograd {
		return winogradOf(fmt.Sprintf("WinogradF32_%dx%d", kh, kw), kh, kw, outputs, zeros, points, g)
	}
	return []*WinogradF32{
		{of(3, 3, four), sum, t.input6x6, t.output6x6, t.gradient6x6},
		{of(1, 3, four), sum, t.input6, t.output6, t.gradient6},
		{of(3, 1, four), sum, t.input6, t.output6, t.gradient6},
		{of(1, 7, eight), sum, t.input10, t.output10, t.gradient10},
		{of(7, 1, eight), sum, t.input10, t.output10, t.gradient10},
	}
}

// winogradOf has the coefficients of all transforms.
func winogradOf(name string, kh, kw, outputs, zeros int, points []float64, g *GemmF32) Winograd {
	w := Winograd{Name: name, KH: kh, KW: kw, outputs: outputs, gemm: g, points: points, zeros: zeros}
	w.toPoints = append(w.toPoints, rounded(product(points, -1))...)
	for i, p := range points {
		w.toPoints = append(w.toPoints, rounded(product(points, i))...)
		w.toPoints = append(w.toPoints, float32(p))
		for power, v := 1, p; power < outputs; power, v = power+1, v*p {
			w.fromPoints = append(w.fromPoints, float32(v))
		}
	}
	for _, column := range w.weightTransform(kh) {
		for _, row := range w.weightTransform(kw) {
			for _, c := range column {
				for _, r := range row {
					w.fromTaps = append(w.fromTaps, float32(c*r))
				}
			}
		}
	}
	return w
}

// product has the coefficients, lowest first and without the highest, which is one, of
// the product of (x - p^2) over all points but one.
func product(points []float64, but int) []float64 {
	coefs := []float64{1}
	for i, p := range points {
		if i == but {
			continue
		}
		next := make([]float64, len(coefs)+1)
		for j, c := range coefs {
			next[j] -= p * p * c
			next[j+1] += c
		}
		coefs = next
	}
	return coefs[:len(coefs)-1]
}

func rounded(s []float64) []float32 {
	r := make([]float32, len(s))
	for i, v := range s {
		r[i] = float32(v)
	}
	return r
}

// Winograd returns the kernel for kh x kw, or nil where there is none.
func (s *Set) Winograd(kh, kw int) *WinogradF32 {
	for _, w := range s.winograd {
		if w.KH == kh && w.KW == kw {
			return w
		}
	}
	return nil
}

// side is the number of points along a side of a tile that is not one pixel high or wide. It is
// how many pixels the tile reads, unless the taps are in pieces.
func (w *Winograd) side() int { return 2*len(w.points) + w.zeros + 1 }

// Points is how many points, and so how many products of matrices, there are.
func (w *Winograd) Points() int {
	if w.KH > 1 && w.KW > 1 {
		return w.side() * w.side()
	}
	return w.side()
}

// Panels is how many panels n columns take.
func (w *Winograd) Panels(n int) int { return w.gemm.Panels(n) }

// PackedSize is how many floats Pack returns.
func (w *Winograd) PackedSize(k, n int) int { return w.Points() * w.gemm.PackedSize(1, k, n) }

// Pack transforms weights, [KH][KW][k][n], to [points] of the packed b of a product of k
// rows and n columns.
func (w *Winograd) Pack(weights []float32, k, n int) []float32 {
	packed := make([]float32, w.PackedSize(k, n))
	w.PackInto(packed, weights, k, n, nil)
	return packed
}

// PackInto packs weights into dst, which is zero in the tail columns, with output channel
// j multiplied by scale[j] unless scale is nil.
func (w *Winograd) PackInto(dst, weights []float32, k, n int, scale []float32) {
	toColumns, toRows := w.weightTransform(w.KH), w.weightTransform(w.KW)
	size := w.gemm.PackedSize(1, k, n)
	columns := make([]float64, len(toColumns)*w.KW*n) // of one input channel
	taps, at := make([]float64, w.KH*w.KW*n), make([]float64, n)
	for row := range k {
		for tap := range w.KH * w.KW {
			for j, v := range weights[(tap*k+row)*n:][:n] {
				taps[tap*n+j] = float64(v)
			}
			if scale != nil {
				for j, s := range scale[:n] {
					taps[tap*n+j] *= float64(s)
				}
			}
		}
		for i, column := range toColumns {
			combine(columns[i*w.KW*n:][:w.KW*n], column, taps)
		}
		for i := range toColumns {
			for l, r := range toRows {
				combine(at, r, columns[i*w.KW*n:][:w.KW*n])
				point := dst[(i*len(toRows)+l)*size:][:size]
				for panel := range w.gemm.Panels(n) {
					j := panel * w.gemm.NR
					to := point[(panel*k+row)*w.gemm.NR:]
					for c, v := range at[j:min(j+w.gemm.NR, n)] {
						to[c] = float32(v)
					}
				}
			}
		}
	}
}

// combine sets dst to the sum of consecutive rows of values, each with its factor.
func combine(dst, factors, values []float64) {
	clear(dst)
	for i, f := range factors {
		if f == 0 {
			continue
		}
		for j, v := range values[i*len(dst):][:len(dst)] {
			dst[j] += f * v
		}
	}
}

// weightTransform is the matrix, [points][taps], that takes the taps of one side to the
// points: 1, p, p^2, ... over the product of p's distances from the other finite points.
func (w *Winograd) weightTransform(taps int) [][]float64 {
	if taps == 1 {
		return [][]float64{{1}}
	}
	finite := make([]float64, w.zeros)
	for _, p := range w.points {
		finite = append(finite, p, -p)
	}
	var rows [][]float64
	for i, p := range finite {
		scale := 1.0
		for j, q := range finite {
			if j != i {
				scale /= p - q
			}
		}
		row := make([]float64, taps)
		for tap := range row {
			row[tap] = scale * math.Pow(p, float64(tap))
		}
		rows = append(rows, row)
	}
	infinity := make([]float64, taps)
	infinity[taps-1] = 1
	return append(rows, infinity)
}

// Grid says where each tile of a convolution reads and writes: the indices of pixels,
// negative outside the image. They are listed for one image, as all have the same.
type Grid struct {
	Tiles  int
	Inputs int // highest index of a pixel that is read, and one
	Pixels int // highest index of a pixel that is written, and one

	tiles    int // of an image
	imageIn  int // pixels of one
	imageOut int
	inputs   int // of a tile
	outputs  int
	in       []int32
	out      []int32
}

// Tiles is how many tiles images of so many pixels, after the convolution, are made in.
func (w *Winograd) Tiles(images int, out Pair) int {
	if w.KH > 1 {
		out.Y = (out.Y + w.outputs - 1) / w.outputs
	}
	if w.KW > 1 {
		out.X = (out.X + w.outputs - 1) / w.outputs
	}
	return images * out.Area()
}

// Grid lays tiles over images. It panics unless the window is the kernel's, and dense.
func (w *Winograd) Grid(of Geometry) *Grid {
	if of.Kernel != (Pair{w.KH, w.KW}) || !of.Dense() {
		panic(fmt.Sprintf("kernel: %s for %v", w.Name, of.Window))
	}
	g := &Grid{
		Tiles: w.Tiles(of.Images, of.Out), tiles: w.Tiles(1, of.Out),
		imageIn: of.In.Area(), imageOut: of.Out.Area(),
	}
	outH, inH := 1, 1
	if w.KH > 1 {
		outH, inH = w.outputs, w.outputs+w.KH-1
	}
	outW, inW := 1, 1
	if w.KW > 1 {
		outW, inW = w.outputs, w.outputs+w.KW-1
	}
	index := func(y, x int, image Pair) int32 {
		if y < 0 || y >= image.Y || x < 0 || x >= image.X {
			return -1
		}
		return int32(y*image.X + x)
	}
	g.inputs, g.outputs = inH*inW, outH*outW
	g.in, g.out = make([]int32, 0, g.tiles*inH*inW), make([]int32, 0, g.tiles*g.outputs)
	for y := 0; y < of.Out.Y; y += outH {
		for x := 0; x < of.Out.X; x += outW {
			for dy := range inH {
				for dx := range inW {
					g.in = append(g.in, index(y+dy-of.Padding.Y, x+dx-of.Padding.X, of.In))
				}
			}
			for dy := range outH {
				for dx := range outW {
					g.out = append(g.out, index(y+dy, x+dx, of.Out))
				}
			}
		}
	}
	g.Inputs = (of.Images-1)*g.imageIn + max(int(slices.Max(g.in)), 0) + 1
	g.Pixels = of.Images * g.imageOut
	return g
}

// call returns how many tiles from t on, before end, one call of a transform takes, which
// of its image the first is, and the image.
func (g *Grid) call(t, end int) (tiles, first, image int) {
	image, first = t/g.tiles, t%g.tiles
	return min(tuning.TilesPerCall, end-t, g.tiles-first), first, image
}

// ConvolutionF32 is what a convolution by Winograd's algorithm reads and writes:
//
//	Y[pixel*PitchY+j] = as ProductF32, of the pixels of X under the kernel
type ConvolutionF32 struct {
	Grid *Grid
	K, N int // channels of X, of Y

	X     []float32
	Pitch int       // floats from pixel to pixel
	Zero  []float32 // K zeros: the pixels outside
	B     []float32 // from Pack

	Y        []float32
	PitchY   int
	Bias     []float32 // N
	Residual []float32
	PitchR   int
	Scale    float32
	ReLU     bool
}

// Scratch is how many floats Run needs for a number of tiles at a time.
func (w *Winograd) Scratch(k, n, tiles int) int {
	l := w.layout(k, n, tiles)
	return w.Points() * (l.pointsV + l.pointsM)
}

// layout has the distances, in floats, of tiles and of points in the two scratch areas
// [points][tiles][channels].
type layout struct{ ldv, pointsV, ldm, pointsM int }

func (w *Winograd) layout(k, n, tiles int) (l layout) {
	l.ldv, l.ldm = apart(k), apart(n)
	l.pointsV, l.pointsM = apart(tiles*l.ldv), apart(tiles*l.ldm)
	return l
}

// apart is a distance of at least n floats that is whole cache lines and no multiple of
// 1024 bytes, so that rows at that distance do not compete for places in the cache.
func apart(n int) int {
	const line = tuning.CacheLine / 4
	n = (n + line - 1) / line * line
	if 4*n%tuning.Aliasing == 0 {
		n += line
	}
	return n
}

// Run computes tiles t0 to t1, with the scratch that so many need. It panics where the
// slices are too short.
func (w *WinogradF32) Run(p *ConvolutionF32, t0, t1 int, scratch []float32) {
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
		y := image * p.Grid.imageOut
		w.output(count, p.N, &m[(t-t0)*l.ldm], l.ldm, l.pointsM,
			&p.Y[y*p.PitchY], p.PitchY, &p.Grid.out[first*p.Grid.outputs],
			at(p.Bias, 0), at(p.Residual, y*p.PitchR), p.PitchR, p.Scale, floor, &w.fromPoints[0])
		t += count
	}
}

// multiply makes the products at all points of so many tiles.
func (w *Winograd) multiply(tiles, k, n int, v, b, m []float32) {
	l, panels := w.layout(k, n, tiles), w.gemm.Panels(n)
	size := panels * k * w.gemm.NR
	for point := range w.Points() {
		w.gemm.Run(&ProductF32{
			M: tiles, N: n, K: k,
			A: v[point*l.pointsV:], LDA: l.ldv,
			B: b[point*size:],
			C: m[point*l.pointsM:], LDC: l.ldm,
		}, 0, tiles, 0, panels)
	}
}

// check panics unless everything that a Run reads and writes lies inside the slices.
func (p *ConvolutionF32) check(w *WinogradF32, t0, t1, scratch int) {
	if t0 < 0 || t0 > t1 || t1 > p.Grid.Tiles || p.K < 1 || p.N < 1 || p.Pitch < 0 || p.PitchY < p.N {
		panic(fmt.Sprintf("kernel: tiles %d:%d of a convolution of %d tiles, %d channels at pitch %d to %d at pitch %d",
			t0, t1, p.Grid.Tiles, p.K, p.Pitch, p.N, p.PitchY))
	}
	need("X", len(p.X), p.Grid.Inputs, p.Pitch, p.K)
	need("Zero", len(p.Zero), 1, 0, p.K)
	need("B", len(p.B), 1, 0, w.Points()*w.gemm.Panels(p.N)*p.K*w.gemm.NR)
	need("Y", len(p.Y), p.Grid.Pixels, p.PitchY, p.N)
	if p.Bias != nil {
		need("Bias", len(p.Bias), 1, 0, p.N)
	}
	if p.Residual != nil {
		need("Residual", len(p.Residual), p.Grid.Pixels, p.PitchR, p.N)
	}
	need("scratch", scratch, 1, 0, w.Scratch(p.K, p.N, t1-t0))
}

// Tile is how many rows and columns the products at the points have at a time.
func (w *Winograd) Tile() (rows, columns int) { return w.gemm.Rows(false), w.gemm.NR }
