package run

import (
	"unsafe"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// winogradI8 is a convolution of 8-bit integers by Winograd's algorithm in integers, in blocks
// of tiles: its results are those of a direct product.
type winogradI8 struct {
	plain
	o       *plan.Convolution
	kernel  *kernel.WinogradI8
	product kernel.ConvolutionI8 // without what is in the arena
	tiles   int                  // of a block
}

// acceptsWinogradI8 is for results that are integers alone, of sums that are small enough,
// where it is faster than a direct product.
func acceptsWinogradI8(c *chooser, o *plan.Convolution) bool {
	if !acceptsI8(c, o) || !c.Winograd || o.Out.DType != dtypes.Uint8 || o.Residual != nil || !o.Window.Dense() || o.In.C%2 != 0 {
		return false
	}
	k := c.Kernels.WinogradI8(o.Window.Kernel.Y, o.Window.Kernel.X)
	if k == nil {
		return false
	}
	depth, tiles := k.Depth(o.In.C), k.Tiles(o.Out.N, o.Out.Image())
	products := depth * o.Out.C
	cost := k.Points() * (tiles*(products+tuning.TransformCostI8*(depth+o.Out.C)) + tuning.WeightCostI8*products)
	if k.WordProducts()*cost >= o.Out.Pixels()*o.Window.Kernel.Area()*o.In.C*o.Out.C {
		return false
	}
	f := factorsOf(o, o.Out.C)
	return f.folded && f.most < kernel.MostWinogradI8
}

func newWinogradI8(c *chooser, o *plan.Convolution) *winogradI8 {
	k := c.Kernels.WinogradI8(o.Window.Kernel.Y, o.Window.Kernel.X)
	w := &winogradI8{o: o, kernel: k}
	p := &w.product
	p.Grid = c.grid(&k.Winograd, o.Geometry())
	p.K, p.N = o.In.C, o.Out.C
	p.Zero = make([]uint8, p.K)
	w.tiles = blockOfTiles(&k.Winograd, p.Grid.Tiles, k.Depth(p.K)/2, p.N, c.Threads)
	return w
}

func (w *winogradI8) algorithm() string { return w.kernel.Name }

func (w *winogradI8) needs() needs {
	p := &w.product
	return needs{
		packed:  int(unsafe.Sizeof(int16(0))) * w.kernel.PackedSize(p.K, p.N),
		scratch: 4 * w.kernel.Scratch(p.K, p.N, w.tiles),
	}
}

func (w *winogradI8) place() {
	w.product.Pitch, w.product.PitchY = w.o.In.Stride(), w.o.Out.Stride()
}

func (w *winogradI8) pack(dst []byte) {
	o, p := w.o, &w.product
	w.kernel.PackInto(words(dst), o.Integers, p.K, p.N)
	f := factorsOf(o, p.N)
	for j := range f.scale {
		f.scale[j] /= kernel.WinogradScaleI8
	}
	p.Scale, p.Bias, o.Integers = f.scale, f.bias, nil
}

func (w *winogradI8) hold(packed []byte) { w.product.B = words(packed) }

func (w *winogradI8) bind(r *run) func() error {
	in, out := r.view(w.o.In), r.view(w.o.Out)
	return r.parallel(ceil(w.product.Grid.Tiles, w.tiles), func(part, thread int) {
		p := w.product
		p.X, p.Y = in.bytes(), out.bytes()
		first := part * w.tiles
		w.kernel.Run(&p, first, min(first+w.tiles, p.Grid.Tiles), r.scratchFloats(thread))
	})
}
