package run

import (
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// winograd is a convolution by Winograd's algorithm, in blocks of tiles.
type winograd struct {
	o       *plan.Convolution
	kernel  *kernel.WinogradF32
	packed  *plan.Tensor          // memory for the weights, where they are packed before each run
	product kernel.ConvolutionF32 // without what is in the arena
	tiles   int                   // of a block
}

// acceptsWinograd reports whether the algorithm is faster than a direct product. While
// training only gradients are computed so, whose window is flipped: what goes forward
// decides the signs that ReLU looks at, and rounding that turns one of them is amplified.
// Constant weights are packed in their own order of channels only.
func acceptsWinograd(c *chooser, o *plan.Convolution) bool {
	k := c.Kernels.Winograd(o.Window.Kernel.Y, o.Window.Kernel.X)
	if !c.Winograd || k == nil || o.Trained() != o.Flipped || !o.Trained() && o.Transposed || !o.Window.Dense() ||
		o.In.C < tuning.WinogradChannels || o.Out.C < tuning.WinogradChannels {
		return false
	}
	return k.Tiles(o.Out.N, o.Out.Image()) >= tuning.WinogradTiles*c.Total()
}

func newWinograd(c *chooser, o *plan.Convolution) *winograd {
	k := c.Kernels.Winograd(o.Window.Kernel.Y, o.Window.Kernel.X)
	w := &winograd{o: o, kernel: k}
	p := &w.product
	p.Grid = c.grid(&k.Winograd, o.Geometry())
	p.K, p.N = o.In.C, o.Out.C
	p.Zero, p.Bias, p.ReLU = make([]float32, o.In.C), o.Bias, o.ReLU
	w.tiles = blockOfTiles(&k.Winograd, p.Grid.Tiles, p.K, p.N, c.Threads)
	if o.Trained() {
		w.packed = plan.Workspace(4 * w.size())
	}
	return w
}

// blockOfTiles is how many tiles are computed at a time: blocks of equal size, as many for
// each thread, within the scratch.
func blockOfTiles(w *kernel.Winograd, tiles, k, n, threads int) int {
	most := tuning.WinogradBlock
	for most+tuning.WinogradBlock <= tiles && 4*w.Scratch(k, n, most+tuning.WinogradBlock) <= tuning.WinogradScratch {
		most += tuning.WinogradBlock
	}
	return ceil(tiles, ceil(ceil(tiles, most), threads)*threads)
}

func (w *winograd) algorithm() string { return w.kernel.Name }

// size is how many floats the packed weights are.
func (w *winograd) size() int { return w.kernel.PackedSize(w.o.In.C, w.o.Out.C) }

func (w *winograd) Workspace() []*plan.Tensor { return workspace(w.packed) }

func (w *winograd) needs() needs {
	n := needs{scratch: 4 * max(w.kernel.Scratch(w.product.K, w.product.N, w.tiles), w.kernel.PackScratch())}
	if !w.o.Trained() {
		n.packed = 4 * w.size()
	}
	return n
}

func (w *winograd) place() {
	p := &w.product
	p.Pitch, p.PitchY = w.o.In.Stride(), w.o.Out.Stride()
	if w.o.Residual != nil {
		p.PitchR, p.Scale = w.o.Residual.Stride(), 1
	}
}

func (w *winograd) pack(memory []byte) {
	w.kernel.PackInto(floats(memory), w.o.Weights, w.product.K, w.product.N, w.o.Scale)
	w.o.Weights = nil
}

func (w *winograd) hold(packed []byte) { w.product.B = floats(packed) }

func (w *winograd) bind(r *run) func() error {
	in, out := r.view(w.o.In), r.view(w.o.Out)
	var residual, packed view
	if w.o.Residual != nil {
		residual = r.view(w.o.Residual)
	}
	if w.packed != nil {
		packed = r.view(w.packed)
	}
	convolve := r.parallel(ceil(w.product.Grid.Tiles, w.tiles), func(part, thread int) {
		p := w.product
		p.X, p.Y = in.floats(), out.floats()
		if w.packed != nil {
			p.B = packed.floats()
		}
		if w.o.Residual != nil {
			p.Residual = residual.floats()
		}
		first := part * w.tiles
		w.kernel.Run(&p, first, min(first+w.tiles, p.Grid.Tiles), r.scratchFloats(thread))
	})
	if !w.o.Trained() {
		return convolve
	}
	size := w.size()
	pack := packEach(r, w.o, w.packed, w.kernel.Panels(w.product.N), func(dst []float32, given *kernel.WeightsF32, panel, thread int) {
		w.kernel.PackPanel(dst[:size], given, panel, r.scratchFloats(thread))
	})
	return func() error {
		if err := pack(); err != nil {
			return err
		}
		return convolve()
	}
}
