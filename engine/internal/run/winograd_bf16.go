package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// winogradBF16 is a convolution of bfloat16 values by Winograd's algorithm in float32, in
// blocks of tiles. The transformed weights are several times as many bytes as the rounded
// ones: they are transformed before each run, which takes less time than it takes to read
// them from memory.
type winogradBF16 struct {
	o       *plan.Convolution
	kernel  *kernel.WinogradBF16
	rounded []uint16               // the weights
	packed  *plan.Tensor           // memory for the transformed weights
	product kernel.ConvolutionBF16 // without what is in the arena
	tiles   int                    // of a block
}

func acceptsWinogradBF16(c *chooser, o *plan.Convolution) bool { return c.winogradBF16(o) != nil }

// winogradBF16 returns the kernel that a convolution is fastest with, or nil where that is a
// direct product. It does not depend on the number of threads.
func (c *chooser) winogradBF16(o *plan.Convolution) *kernel.WinogradBF16 {
	if !c.Winograd || o.Trained() || o.Residual != nil || !o.Window.Dense() {
		return nil
	}
	var fastest *kernel.WinogradBF16
	products, transforms := o.In.C*o.Out.C, tuning.TransformCost*(o.In.C+o.Out.C)
	together := tuning.BF16Products
	if c.Kernels.GemmBF16.Blocks() {
		together = tuning.BF16BlockProducts
	}
	least := o.Out.Pixels() * o.Window.Kernel.Area() * products / together
	for _, k := range c.Kernels.WinogradBF16(o.Window.Kernel.Y, o.Window.Kernel.X) {
		tiles := max(k.Tiles(o.Out.N, o.Out.Image()), tuning.WinogradBlock)
		if cost := k.Points() * (tiles*(products+transforms) + tuning.WeightTransformCost*products); cost < least {
			fastest, least = k, cost
		}
	}
	return fastest
}

func newWinogradBF16(c *chooser, o *plan.Convolution) *winogradBF16 {
	k := c.winogradBF16(o)
	w := &winogradBF16{o: o, kernel: k}
	p := &w.product
	p.Grid = c.grid(&k.Winograd, o.Geometry())
	p.K, p.N = o.In.C, o.Out.C
	p.Zero, p.Bias, p.ReLU = make([]uint16, o.In.C), o.Bias, o.ReLU
	w.tiles = blockOfTiles(&k.Winograd, p.Grid.Tiles, p.K, p.N, c.Threads)
	w.packed = plan.Workspace(4 * k.PackedSize(p.K, p.N))
	return w
}

func (w *winogradBF16) algorithm() string { return w.kernel.Name }

func (w *winogradBF16) Workspace() []*plan.Tensor { return workspace(w.packed) }

func (w *winogradBF16) needs() needs {
	p := &w.product
	return needs{
		packed:  dtypes.BFloat16.Size() * w.kernel.RoundedSize(p.K, p.N),
		scratch: 4 * w.kernel.Scratch(p.K, p.N, w.tiles),
	}
}

func (w *winogradBF16) place() {
	w.product.Pitch, w.product.PitchY = w.o.In.Stride(), w.o.Out.Stride()
}

func (w *winogradBF16) pack(dst []byte) {
	w.kernel.RoundInto(bits(dst), w.o.Weights, w.product.K, w.product.N, w.o.Scale)
	w.o.Weights = nil
}

func (w *winogradBF16) hold(packed []byte) { w.rounded = bits(packed) }

func (w *winogradBF16) bind(r *run) func() error {
	in, out, packed := r.view(w.o.In), r.view(w.o.Out), r.view(w.packed)
	k, n := w.product.K, w.product.N
	groups := ceil(k, tuning.PackRows)
	transform := r.parallel(groups*w.kernel.Panels(n), func(part, _ int) {
		first := part % groups * tuning.PackRows
		w.kernel.Transform(packed.floats(), w.rounded, k, n, part/groups, first, min(first+tuning.PackRows, k))
	})
	convolve := r.parallel(ceil(w.product.Grid.Tiles, w.tiles), func(part, thread int) {
		p := w.product
		p.X, p.Y, p.B = in.bits(), out.bits(), packed.floats()
		first := part * w.tiles
		w.kernel.Run(&p, first, min(first+w.tiles, p.Grid.Tiles), r.scratchFloats(thread))
	})
	return func() error {
		if err := transform(); err != nil {
			return err
		}
		return convolve()
	}
}
