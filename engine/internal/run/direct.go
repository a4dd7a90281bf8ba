package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// direct is a convolution as one product of matrices, whose rows are the output's
// pixels: each reads the pixels under the window where they are (implicit GEMM).
type direct struct {
	o       *plan.Convolution
	c       *chooser
	gemm    *kernel.GemmF32
	packed  *plan.Tensor      // memory for the weights, where they are packed before each run
	product kernel.ProductF32 // without what is in the arena
	groups  int               // parts that the columns are divided into
	rows    int               // of a part
}

func newDirect(c *chooser, o *plan.Convolution) *direct {
	d := &direct{o: o, c: c, gemm: c.gemm(o)}
	if o.Trained() {
		d.packed = plan.Workspace(4 * d.size())
	}
	return d
}

// gemm returns the kernel of a direct convolution. Without Winograd's algorithm, what
// is asked for is little rounding, and where weights are trained all that matters of it is
// in the forward pass: it decides on which side of ReLU's step values near zero fall, and
// with that which gradients there are.
func (c *chooser) gemm(o *plan.Convolution) *kernel.GemmF32 {
	if !c.Winograd && o.Trained() && !o.Transposed {
		return c.Kernels.GemmWide
	}
	return c.Kernels.Gemm
}

func (d *direct) algorithm() string { return "direct " + d.gemm.Name }

// size is how many floats the packed weights are.
func (d *direct) size() int { return d.gemm.PackedSize(d.o.Window.Kernel.Area(), d.o.In.C, d.o.Out.C) }

func (d *direct) needs() needs {
	if d.o.Trained() {
		return needs{}
	}
	return needs{packed: 4 * d.size()}
}

func (d *direct) Workspace() []*plan.Tensor { return workspace(d.packed) }

func (d *direct) place() {
	o, p := d.o, &d.product
	taps, k := 1, o.In.C
	if !o.Pointwise() {
		p.Rows, taps, k = d.c.rowsOf(o.Geometry(), o.In)
		p.Stride = o.Out.Pixels()
		p.Zero = make([]float32, k)
	}
	p.M, p.N, p.K = o.Out.Pixels(), o.Out.C, k
	p.LDA, p.LDC = o.In.Stride(), o.Out.Stride()
	p.Taps = taps
	p.Bias, p.ReLU = o.Bias, o.ReLU
	if o.Residual != nil {
		p.LDR, p.Scale = o.Residual.Stride(), 1
	}
	if o.Trained() && !d.gemm.Wide {
		p.Depth = tuning.TrainingDepth
	}
	if taps > 1 && o.Residual == nil && o.Out.DType == dtypes.Float32 { // else rows are rounded in their order
		if l, ok := d.c.lineUp(o, p.Rows, taps, k, d.gemm.Rows(true)); ok {
			p.Line, p.NextC, p.LDC, p.Rows = l.length, l.next, l.distance, l.rows
		}
	}
	d.groups, d.rows = divide(d.shape(), d.gemm.Panels(p.N), d.c.Threads)
}

// shape is what the product's work depends on.
func (d *direct) shape() productShape {
	p := &d.product
	s := productShape{rows: p.M, depth: max(p.Taps, 1) * p.K, pixel: p.K, height: d.gemm.Rows(p.Rows != nil), width: d.gemm.NR}
	if p.Line > 0 {
		s.height = p.Line
	}
	return s
}

func (d *direct) pack(memory []byte) {
	o, p, dst := d.o, &d.product, floats(memory)
	if o.Transposed {
		w := asPacked(o)
		w.B, w.LDB = o.Weights, o.In.C
		for panel := range d.gemm.Panels(p.N) {
			d.gemm.PackPanel(dst[panel*p.Taps*p.K*d.gemm.NR:], &w, panel)
		}
	} else {
		d.gemm.PackInto(dst, o.Weights, p.Taps, p.K, p.N, p.N, o.Scale)
	}
	o.Weights = nil
}

func (d *direct) hold(packed []byte) { d.product.B = floats(packed) }

// packForRun packs the kernel before each run.
func (d *direct) packForRun(r *run) func() error {
	w := asPacked(d.o)
	return packEach(r, d.o, d.packed, d.gemm.Parts(&w), func(dst []float32, w *kernel.WeightsF32, part, _ int) {
		d.gemm.PackPart(dst, w, part)
	})
}

// asPacked are weights as they are packed, without their memory.
func asPacked(o *plan.Convolution) kernel.WeightsF32 {
	taps := make([]int, o.Window.Kernel.Area())
	for i := range taps {
		if taps[i] = i; o.Flipped {
			taps[i] = len(taps) - 1 - i
		}
	}
	return kernel.WeightsF32{Taps: taps, K: o.In.C, N: o.Out.C, Transposed: o.Transposed, Scale: o.Scale}
}

// packEach packs the kernel of a convolution before each run, with what packs one part of
// it.
func packEach(r *run, o *plan.Convolution, to *plan.Tensor, parts int, pack func(dst []float32, w *kernel.WeightsF32, part, thread int)) func() error {
	w := asPacked(o)
	w.LDB = o.Kernel.Stride()
	weights, packed := r.view(o.Kernel), r.view(to)
	each := r.parallel(parts, func(part, thread int) { pack(packed.floats(), &w, part, thread) })
	return func() error {
		w.B = weights.floats()
		return each()
	}
}

func (d *direct) panels() int   { return d.gemm.Panels(d.product.N) }
func (d *direct) together() int { return d.gemm.Together(d.shape().depth) }

func (d *direct) bind(r *run) func() error { return bindProduct(d, d.groups, d.rows, r) }

func (d *direct) in(r *run) (begin func() error, multiply multiply) {
	o, in, out := d.o, r.view(d.o.In), r.view(d.o.Out)
	var residual, packed view
	if o.Residual != nil {
		residual = r.view(o.Residual)
	}
	begin = func() error { return nil }
	if d.packed != nil {
		packed, begin = r.view(d.packed), d.packForRun(r)
	}
	return begin, func(top, bottom, first, last, _ int) {
		p := d.product
		p.A, p.C = in.floats(), out.floats()
		if o.Residual != nil {
			p.Residual = residual.floats()
		}
		if d.packed != nil {
			p.B = packed.floats()
		}
		d.gemm.Run(&p, top, bottom, first, last)
	}
}
