package run

import (
	"slices"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// pool is a pooling in groups of output pixels, of elements T.
type pool[T float32 | uint16 | uint8] struct {
	plain
	o       *plan.Pooling
	windows *kernel.Windows
	weights []float32 // by output pixel of all images; nil for maxima
	compute func(p *kernel.Pooling[T], i0, i1 int)
	values  func(view) []T
}

func newPool(c *chooser, o *plan.Pooling) *pool[float32] {
	return poolOf(c, o, c.Kernels.Pool, view.floats)
}

func newPoolBF16(c *chooser, o *plan.Pooling) *pool[uint16] {
	return poolOf(c, o, c.Kernels.PoolBF16, view.bits)
}

func newPoolU8(c *chooser, o *plan.Pooling) *pool[uint8] {
	return poolOf(c, o, c.Kernels.PoolU8, view.bytes)
}

func poolOf[T float32 | uint16 | uint8](c *chooser, o *plan.Pooling, compute func(p *kernel.Pooling[T], i0, i1 int), values func(view) []T) *pool[T] {
	p := &pool[T]{o: o, windows: c.windowsOf(o.Geometry()), compute: compute, values: values}
	if !o.Maximum {
		p.weights = slices.Repeat(o.Weights, o.In.N)
	}
	return p
}

func (p *pool[T]) algorithm() string { return "window" }

func (p *pool[T]) bind(r *run) func() error {
	o := p.o
	in, out := r.view(o.In), r.view(o.Out)
	pixels, part := p.windows.Outputs(), tuning.PoolPixels
	pooling := kernel.Pooling[T]{
		Windows: p.windows, Channels: o.In.C, Pitch: o.In.Stride(), PitchY: o.Out.Stride(),
		Weights: p.weights, Bias: o.Bias, ReLU: o.ReLU,
	}
	each := slices.Repeat([]kernel.Pooling[T]{pooling}, r.machine.Threads)
	return r.parallel(ceil(pixels, part), func(at, thread int) {
		q := &each[thread]
		q.X, q.Y = p.values(in), p.values(out)
		p.compute(q, at*part, min((at+1)*part, pixels))
	})
}

// poolGradient is the gradient of a pooling in parts of images and channels.
type poolGradient struct {
	plain
	o       *plan.PoolingGradient
	kernels *kernel.Set
	windows *kernel.Windows
	weights []float32
	groups  int // of channels
}

// channelLine is how many channels a cache line has: what is next to it is another
// thread's.
const channelLine = tuning.CacheLine / 4

func newPoolGradient(c *chooser, o *plan.PoolingGradient) *poolGradient {
	p := &poolGradient{
		o: o, kernels: c.Kernels, windows: c.windowsOf(o.Geometry()),
		groups: min(ceil(4*c.Threads, o.To.N), ceil(o.To.C, channelLine)),
	}
	if !o.Maximum {
		p.weights = slices.Repeat(o.Weights, o.To.N)
	}
	return p
}

func (p *poolGradient) algorithm() string { return "window" }

func (p *poolGradient) bind(r *run) func() error {
	o := p.o
	gradient, to := r.view(o.Gradient), r.view(o.To)
	pooling := kernel.PoolingGradientF32{
		Windows: p.windows, Channels: o.To.C, PitchDY: o.Gradient.Stride(), Weights: p.weights, PitchDX: o.To.Stride(),
	}
	var in view
	if o.Maximum {
		in, pooling.Pitch = r.view(o.In), o.In.Stride()
	}
	lines := ceil(o.To.C, channelLine)
	inputs, outputs := o.To.H*o.To.W, o.Gradient.H*o.Gradient.W
	return r.parallel(o.To.N*p.groups, func(part, _ int) {
		q := pooling
		q.DY, q.DX = gradient.floats(), to.floats()
		if o.Maximum {
			q.X = in.floats()
		}
		image, group := part/p.groups, part%p.groups
		first := min(group*lines/p.groups*channelLine, o.To.C)
		last := min((group+1)*lines/p.groups*channelLine, o.To.C)
		for i := image * inputs; i < (image+1)*inputs; i++ {
			clear(q.DX[i*q.PitchDX:][first:last])
		}
		p.kernels.PoolGradient(&q, image*outputs, (image+1)*outputs, first, last)
	})
}
