package kernel

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// ConvolutionGradientF32 is what the gradient of a convolution with respect to its
// weights, by Winograd's algorithm, reads and writes, Grid, K, N, X and Pitch as they are
// in that ConvolutionF32:
//
//	DB[(tap*K+k)*LDB+j] = the sum, over the pixels of DY, of DY[pixel*PitchY+j] times
//	                      channel k of the pixel of X that is under the tap there
//
// Blocks of tiles are transformed to the points, in V; there their products are summed,
// in Sums; these are transformed to the taps when all tiles have been.
type ConvolutionGradientF32 struct {
	Grid *Grid
	K, N int // channels of X, of DY

	X      []float32
	Pitch  int
	DY     []float32
	PitchY int
	Zero   []float32 // as many zeros as the more of K and N: the pixels outside

	Block int       // most tiles that are transformed at a time
	V     []float32 // as many as GradientTiles says: those tiles

	Parts  int       // sums that are apart, for threads each of which has its own
	Sums   []float32 // as many as GradientSums says: [panels of N][K][Parts][points][columns]
	ToTaps []float32 // from GradientTaps

	DB  []float32 // [KH*KW][K] rows of N
	LDB int
}

// GradientTiles is how many floats a block of tiles is, of x and of the gradient.
func (w *WinogradF32) GradientTiles(k, n, block int) int { return w.Scratch(k, n, block) }

// GradientSums is how many floats the sums of some parts are.
func (w *WinogradF32) GradientSums(k, n, parts int) int {
	return w.Panels(n) * k * parts * w.Points() * w.gemm.NR
}

// GradientTaps is the matrix, [KH*KW][parts][points], that takes the sums to the taps.
func (w *WinogradF32) GradientTaps(parts int) []float32 {
	var m []float32
	taps, points := w.KH*w.KW, w.Points()
	for tap := range taps {
		for range parts {
			for point := range points {
				m = append(m, w.fromTaps[point*taps+tap])
			}
		}
	}
	return m
}

// TransformGradient transforms tiles t0 to t1 of X and of DY to the block that begins at
// tile first. It panics where p's slices are too short.
func (w *WinogradF32) TransformGradient(p *ConvolutionGradientF32, first, t0, t1 int) {
	p.check(w)
	if first < 0 || t0 < first || t1 < t0 || t1 > p.Grid.Tiles || t1-first > p.Block {
		panic(fmt.Sprintf("kernel: tiles %d:%d of %d, in a block of %d from %d", t0, t1, p.Grid.Tiles, p.Block, first))
	}
	points := w.Points()
	l := w.layout(p.K, p.N, p.Block)
	v, m := p.V[:points*l.pointsV], p.V[points*l.pointsV:]
	for t := t0; t < t1; {
		count, tile, image := p.Grid.call(t, t1)
		w.input(count, p.K, &p.X[image*p.Grid.imageIn*p.Pitch], p.Pitch, &p.Grid.in[tile*points], &p.Zero[0],
			&v[(t-first)*l.ldv], l.ldv, l.pointsV, &w.toPoints[0])
		w.gradient(count, p.N, &p.DY[image*p.Grid.imageOut*p.PitchY], p.PitchY, &p.Grid.out[tile*p.Grid.outputs], &p.Zero[0],
			&m[(t-first)*l.ldm], l.ldm, l.pointsM, &w.fromPoints[0])
		t += count
	}
}

// SumGradient makes, of a block of so many tiles, the products at one point in panels
// p0 to p1 of the columns: they are a part's sums, or are added to those. It panics where
// p's slices are too short.
func (w *WinogradF32) SumGradient(p *ConvolutionGradientF32, part, point, tiles, p0, p1 int, add bool, scratch *GradientScratch) {
	p.check(w)
	if part < 0 || part >= p.Parts || point < 0 || point >= w.Points() || tiles < 1 || tiles > p.Block || p0 < 0 || p1 > w.Panels(p.N) {
		panic(fmt.Sprintf("kernel: %d of %d tiles at point %d of %d, panels %d:%d of %d, of part %d of %d",
			tiles, p.Block, point, w.Points(), p0, p1, w.Panels(p.N), part, p.Parts))
	}
	nr, points := w.gemm.NR, w.Points()
	l := w.layout(p.K, p.N, p.Block)
	v, m := p.V[point*l.pointsV:], p.V[points*l.pointsV+point*l.pointsM:]
	apart := p.Parts * points * nr
	// The values of x are in the cache while they are used for all panels.
	for t := 0; t < tiles; t += tuning.BlockPairs {
		count := min(tuning.BlockPairs, tiles-t)
		for panel := p0; panel < p1; panel++ {
			product := WeightGradientF32{
				M: count, N: min(nr, p.N-panel*nr), K: p.K,
				A: v[t*l.ldv:], LDA: l.ldv, DY: m[t*l.ldm+panel*nr:], LDY: l.ldm,
				DB: p.Sums[panel*p.K*apart+(part*points+point)*nr:], LDB: apart,
				Add: add || t > 0,
			}
			w.sum.Run(&product, product.Whole(), scratch)
		}
	}
}

// FinishGradient transforms the sums of all parts, in rows k0 to k1 of a panel, to the
// taps, in DB. It panics where p's slices are too short.
func (w *WinogradF32) FinishGradient(p *ConvolutionGradientF32, panel, k0, k1 int) {
	p.check(w)
	if panel < 0 || panel >= w.Panels(p.N) || k0 < 0 || k0 > k1 || k1 > p.K {
		panic(fmt.Sprintf("kernel: rows %d:%d of %d, panel %d of %d", k0, k1, p.K, panel, w.Panels(p.N)))
	}
	nr, taps, depth := w.gemm.NR, w.KH*w.KW, p.Parts*w.Points()
	j := panel * nr
	for k := k0; k < k1; k++ {
		w.gemm.Run(&ProductF32{
			M: taps, N: min(nr, p.N-j), K: depth,
			A: p.ToTaps, LDA: depth,
			B: p.Sums[(panel*p.K+k)*depth*nr:],
			C: p.DB[k*p.LDB+j:], LDC: p.K * p.LDB,
		}, 0, taps, 0, 1)
	}
}

// check panics unless everything that the methods read and write lies inside the slices.
func (p *ConvolutionGradientF32) check(w *WinogradF32) {
	if p.K < 1 || p.N < 1 || p.Block < 1 || p.Parts < 1 || p.Pitch < 0 || p.PitchY < 0 || p.LDB < p.N {
		panic(fmt.Sprintf("kernel: a gradient of %d channels at pitch %d, %d at pitch %d, to rows %d apart, %d parts, in blocks of %d tiles",
			p.K, p.Pitch, p.N, p.PitchY, p.LDB, p.Parts, p.Block))
	}
	need("X", len(p.X), p.Grid.Inputs, p.Pitch, p.K)
	need("DY", len(p.DY), p.Grid.Pixels, p.PitchY, p.N)
	need("Zero", len(p.Zero), 1, 0, max(p.K, p.N))
	need("V", len(p.V), 1, 0, w.GradientTiles(p.K, p.N, p.Block))
	need("Sums", len(p.Sums), 1, 0, w.GradientSums(p.K, p.N, p.Parts))
	need("ToTaps", len(p.ToTaps), 1, 0, w.KH*w.KW*p.Parts*w.Points())
	need("DB", len(p.DB), w.KH*w.KW*p.K, p.LDB, p.N)
}
