package kernel

import "github.com/seed-fb2c0fa6/inception/engine/internal/tuning"

// WeightsF32 are the weights of a convolution that are packed before each run: [taps][K][N],
// or [taps][N][K] where they are transposed, with LDB floats from row to row.
type WeightsF32 struct {
	B          []float32
	Taps       []int // of B, in the order in which they are packed
	K, N, LDB  int
	Transposed bool
	Scale      []float32 // N factors of the columns, or nil
}

// PackPanel packs one panel of columns into dst, [len(Taps)*K][NR], tail columns zero.
func (g *GemmF32) PackPanel(dst []float32, w *WeightsF32, panel int) {
	g.arrange(dst, w, panel, 0, w.K, w.K*g.NR, g.NR)
}

// Parts is how many parts packing for products can be divided into, so that each reads
// its weights in the order in which they lie in memory.
func (g *GemmF32) Parts(w *WeightsF32) int {
	if w.Transposed {
		return g.Panels(w.N)
	}
	return len(w.Taps) * ((w.K + tuning.PackRows - 1) / tuning.PackRows)
}

// PackPart packs one of the Parts into dst, which is that of all: [ceil(N/NR)][len(Taps)*K][NR].
func (g *GemmF32) PackPart(dst []float32, w *WeightsF32, part int) {
	depth := len(w.Taps) * w.K
	if w.Transposed {
		g.PackPanel(dst[part*depth*g.NR:], w, part)
		return
	}
	blocks := (w.K + tuning.PackRows - 1) / tuning.PackRows
	tap, block := part/blocks, part%blocks
	panels := g.Panels(w.N)
	for row := block * tuning.PackRows; row < min((block+1)*tuning.PackRows, w.K); row++ {
		from := w.B[(w.Taps[tap]*w.K+row)*w.LDB:][:w.N]
		for panel := range panels {
			to := dst[(panel*depth+tap*w.K+row)*g.NR:][:g.NR]
			j := panel * g.NR
			width := min(g.NR, w.N-j)
			if w.Scale == nil {
				copy(to, from[j:][:width])
			} else {
				for i, v := range from[j:][:width] {
					to[i] = v * w.Scale[j+i]
				}
			}
			clear(to[width:])
		}
	}
}

// arrange puts rows k0 to k1 of a panel's columns into dst: tap t of row k is at
// t*tapStride + (k-k0)*rowStride.
func (g *GemmF32) arrange(dst []float32, w *WeightsF32, panel, k0, k1, tapStride, rowStride int) {
	j := panel * g.NR
	width := min(g.NR, w.N-j)
	for t, tap := range w.Taps {
		if w.Transposed {
			g.arrangeTransposed(dst[t*tapStride:], w, tap, j, width, k0, k1, rowStride)
			continue
		}
		for row := k0; row < k1; row++ {
			to := dst[t*tapStride+(row-k0)*rowStride:][:g.NR]
			values := w.B[(tap*w.K+row)*w.LDB+j:][:width]
			if w.Scale == nil {
				copy(to, values)
			} else {
				for i, v := range values {
					to[i] = v * w.Scale[j+i]
				}
			}
			clear(to[width:])
		}
	}
}

// arrangeTransposed takes blocks of rows that stay in a level-1 cache, for it writes them
// column by column.
func (g *GemmF32) arrangeTransposed(dst []float32, w *WeightsF32, tap, j, width, k0, k1, rowStride int) {
	for top := k0; top < k1; top += tuning.PackRows {
		bottom := min(top+tuning.PackRows, k1)
		to := dst[(top-k0)*rowStride:]
		for i := range g.NR {
			if i >= width {
				for row := range bottom - top {
					to[row*rowStride+i] = 0
				}
				continue
			}
			factor := float32(1)
			if w.Scale != nil {
				factor = w.Scale[j+i]
			}
			for row, v := range w.B[(tap*w.N+j+i)*w.LDB+top:][:bottom-top] {
				to[row*rowStride+i] = v * factor
			}
		}
	}
}

// PackScratch is how many floats PackPanel needs beside its result.
func (w *Winograd) PackScratch() int { return tuning.PackPoints * w.KH * w.KW * w.gemm.NR }

// PackPanel transforms one panel of columns of weights, whose taps are KH*KW, to the
// points, in dst, which is that of all panels.
func (w *Winograd) PackPanel(dst []float32, weights *WeightsF32, panel int, scratch []float32) {
	g, taps, points := w.gemm, len(weights.Taps), w.Points()
	k, size := weights.K, g.PackedSize(1, weights.K, weights.N)
	for k0 := 0; k0 < k; k0 += tuning.PackPoints {
		k1 := min(k0+tuning.PackPoints, k)
		g.arrange(scratch, weights, panel, k0, k1, g.NR, taps*g.NR)
		for row := k0; row < k1; row++ {
			g.Run(&ProductF32{
				M: points, N: g.NR, K: taps,
				A: w.fromTaps, LDA: taps,
				B: scratch[(row-k0)*taps*g.NR:],
				C: dst[(panel*k+row)*g.NR:], LDC: size,
			}, 0, points, 0, 1)
		}
	}
}
