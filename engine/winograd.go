package engine

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// winograd is a convolution by Winograd's algorithm, in blocks of tiles.
type winograd struct {
	*convolution
	algorithm *kernel.WinogradF32
	product   kernel.ConvolutionF32 // without what is in the arena
	tiles     int                   // of a block
}

// winogradScratch is how many floats a thread's transformed tiles may take: they
// should stay in a level-2 cache together with some of the weights.
const winogradScratch = 1 << 18

// worthWinograd reports whether the algorithm is faster than a direct product, as
// measured on the networks' layers (docs/performance.md): 1.4 to 3.1 times from
// 12 tiles a thread and 32 channels on, 1.1 times with 8 tiles, 0.6 times with 2,
// where the transformed weights, of which there are more, have to be read for few. While
// training only gradients are computed so, whose window is flipped: what goes forward
// decides the signs that ReLU looks at, and rounding that turns one of them is amplified.
func (o *convolution) worthWinograd(k *kernel.WinogradF32, threads int) bool {
	if k == nil || o.kernel != nil && !o.flipped || o.spreadY != 1 || o.spreadX != 1 || o.holeY != 1 || o.holeX != 1 ||
		o.strideY != 1 || o.strideX != 1 || o.in.c < 32 || o.out.c < 32 {
		return false
	}
	return k.Tiles(o.out.n, o.out.h, o.out.w) >= 12*threads
}

func newWinograd(o *convolution, k *kernel.WinogradF32, threads int) *winograd {
	w := &winograd{convolution: o, algorithm: k}
	p := &w.product
	p.Grid = o.tables.grid(k, o)
	p.K, p.N, p.Pitch, p.PitchY = o.in.c, o.out.c, o.in.pitch, o.out.pitch
	p.Zero, p.Bias, p.ReLU = make([]float32, o.in.c), o.bias, o.relu
	if o.residual != nil {
		p.PitchR, p.Scale = o.residual.pitch, 1
	}
	// Blocks of equal size, as many for each thread, within the scratch.
	most := 14
	for most+14 <= p.Grid.Tiles && k.Scratch(p.K, p.N, most+14) <= winogradScratch {
		most += 14
	}
	blocks := ceil(ceil(p.Grid.Tiles, most), threads) * threads
	w.tiles = ceil(p.Grid.Tiles, blocks)
	return w
}

func (w *winograd) packedSize() int { return w.algorithm.PackedSize(w.product.K, w.product.N) }

func (w *winograd) pack(dst []float32) {
	w.algorithm.PackInto(dst, w.weights, w.product.K, w.product.N, w.scale)
	w.product.B, w.weights = dst, nil
}

func (w *winograd) scratch() int {
	return max(w.algorithm.Scratch(w.product.K, w.product.N, w.tiles), w.algorithm.PackScratch())
}

func (w *winograd) bind(r *run) func() error {
	pack := func() error { return nil }
	if w.kernel != nil {
		pack = w.packEach(r, w.algorithm.Panels(w.product.N), func(dst []float32, given *kernel.WeightsF32, panel, thread int) {
			w.algorithm.PackPanel(dst[:w.packedSize()], given, panel, r.scratch[thread])
		})
	}
	convolve := r.parallel(ceil(w.product.Grid.Tiles, w.tiles), func(part, thread int) {
		p := w.product
		if w.kernel != nil {
			p.B = w.packed.in(r)
		}
		p.X, p.Y = w.in.in(r), w.out.in(r)
		if w.residual != nil {
			p.Residual = w.residual.in(r)
		}
		first := part * w.tiles
		last := min(first+w.tiles, p.Grid.Tiles)
		w.algorithm.Run(&p, first, last, r.scratch[thread])
	})
	return func() error {
		if err := pack(); err != nil {
			return err
		}
		return convolve()
	}
}
