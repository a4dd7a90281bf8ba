package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// directBF16 is a convolution of bfloat16 values as one product of matrices, as direct is
// of float32: sums are float32, and the result is rounded once.
type directBF16 struct {
	plain
	o            *plan.Convolution
	c            *chooser
	gemm         *kernel.GemmBF16
	product      kernel.ProductBF16 // without what is in the arena
	groups, rows int
}

// acceptsBF16 reports whether a convolution is one of constant weights, as lowering makes
// them where there are kernels.
func acceptsBF16(_ *chooser, o *plan.Convolution) bool { return !o.Trained() }

func newDirectBF16(c *chooser, o *plan.Convolution) *directBF16 {
	return &directBF16{o: o, c: c, gemm: c.Kernels.GemmBF16}
}

func (d *directBF16) algorithm() string { return "direct " + d.gemm.Name }

// size is how many elements the packed weights are.
func (d *directBF16) size() int {
	return d.gemm.PackedSize(d.o.Window.Kernel.Area(), d.o.In.C, d.o.Out.C)
}

func (d *directBF16) needs() needs {
	return needs{
		packed:  dtypes.BFloat16.Size() * d.size(),
		scratch: d.gemm.Scratch(d.c.walkOver(d.o, d.gemm.Blocks()), d.o.In.C),
	}
}

func (d *directBF16) place() {
	o, p := d.o, &d.product
	taps, k := 1, o.In.C
	if p.Walk = d.c.walkOver(o, d.gemm.Blocks()); p.Walk != nil {
		taps = o.Window.Kernel.Area()
		p.Zero = make([]uint16, k)
	} else if !o.Pointwise() {
		p.Rows, taps, k = d.c.rowsOf(o.Geometry(), o.In)
		p.Stride = o.Out.Pixels()
		p.Zero = make([]uint16, k)
	}
	p.M, p.N, p.K = o.Out.Pixels(), o.Out.C, k
	p.LDA, p.LDC = o.In.Stride(), o.Out.Stride()
	p.Taps = taps
	p.Bias, p.ReLU = o.Bias, o.ReLU
	if o.Residual != nil {
		p.LDR, p.Scale = o.Residual.Stride(), 1
	}
	if taps > 1 && o.Residual == nil && !d.gemm.Blocks() {
		if l, ok := d.c.lineUp(o, p.Rows, taps, k/2, d.gemm.Rows(true)); ok {
			p.Line, p.NextC, p.LDC, p.Rows = l.length, l.next, l.distance, l.rows
		}
	}
	d.groups, d.rows = divide(d.shape(), d.panels(), d.c.Threads)
}

// shape counts the pairs of k that an instruction multiplies as one step.
func (d *directBF16) shape() productShape {
	p := &d.product
	s := productShape{rows: p.M, depth: max(p.Taps, 1) * p.K / 2, pixel: p.K / 2, height: d.gemm.Rows(p.Rows != nil), width: d.gemm.NR, blocks: d.gemm.Blocks()}
	if p.Line > 0 {
		s.height = p.Line
	}
	return s
}

func (d *directBF16) pack(dst []byte) {
	o, p := d.o, &d.product
	d.gemm.PackInto(bits(dst), o.Weights, p.Taps, p.K, p.N, p.N, o.Scale)
	o.Weights = nil
}

func (d *directBF16) hold(packed []byte) { d.product.B = bits(packed) }

func (d *directBF16) panels() int   { return d.gemm.Panels(d.product.N) }
func (d *directBF16) together() int { return d.gemm.Together(2 * d.shape().depth) }

func (d *directBF16) bind(r *run) func() error { return bindProduct(d, d.groups, d.rows, r) }

func (d *directBF16) in(r *run) (begin func() error, multiply multiply) {
	o, in, out := d.o, r.view(d.o.In), r.view(d.o.Out)
	var residual view
	if o.Residual != nil {
		residual = r.view(o.Residual)
	}
	begin = func() error { return nil }
	return begin, func(top, bottom, first, last, thread int) {
		p := d.product
		p.A, p.C, p.Scratch = in.bits(), out.bits(), r.scratch[thread]
		if o.Residual != nil {
			p.Residual = residual.bits()
		}
		d.gemm.Run(&p, top, bottom, first, last)
	}
}
