package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// trainedBF16 is directBF16 with weights that are packed, and rounded, before each run. Sums may
// stay float32.
type trainedBF16 struct {
	*directBF16
	packed *plan.Tensor // memory for the weights
}

func acceptsTrainedBF16(_ *chooser, o *plan.Convolution) bool {
	return o.Trained() && o.In.DType == dtypes.BFloat16
}

func newTrainedBF16(c *chooser, o *plan.Convolution) *trainedBF16 {
	d := newDirectBF16(c, o)
	return &trainedBF16{d, plan.Workspace(dtypes.BFloat16.Size() * d.size())}
}

func (t *trainedBF16) Workspace() []*plan.Tensor { return workspace(t.packed) }

func (t *trainedBF16) needs() needs {
	columns := t.o.Out.C
	if t.o.Transposed {
		columns = t.o.In.C
	}
	return needs{scratch: max(t.directBF16.needs().scratch, dtypes.BFloat16.Size()*t.gemm.PackScratch(columns))}
}

func (t *trainedBF16) place() {
	t.directBF16.place()
	t.product.ToF32, t.product.Rounded = t.o.Out.DType == dtypes.Float32, t.o.Rounded
}

func (t *trainedBF16) pack([]byte) {}

func (t *trainedBF16) bind(r *run) func() error { return bindProduct(t, t.groups, t.rows, r) }

func (t *trainedBF16) in(r *run) (begin func() error, multiply multiply) {
	o, in, out, weights, packed := t.o, r.view(t.o.In), r.view(t.o.Out), r.view(t.o.Kernel), r.view(t.packed)
	taps, k, n, ldb := o.Window.Kernel.Area(), o.In.C, o.Out.C, o.Kernel.Stride()
	if o.Transposed {
		begin = r.parallel(t.gemm.TransposedParts(taps, n), func(part, thread int) {
			t.gemm.PackTransposed(packed.bits(), weights.floats(), taps, k, n, ldb, o.Flipped, part, bits(r.scratch[thread]))
		})
	} else {
		begin = r.parallel(t.gemm.PackParts(taps, k), func(part, thread int) {
			t.gemm.PackPart(packed.bits(), weights.floats(), taps, k, n, ldb, part, bits(r.scratch[thread]))
		})
	}
	return begin, func(top, bottom, first, last, thread int) {
		p := t.product
		p.A, p.B, p.Scratch = in.bits(), packed.bits(), r.scratch[thread]
		if p.ToF32 {
			p.CF = out.floats()
		} else {
			p.C = out.bits()
		}
		t.gemm.Run(&p, top, bottom, first, last)
	}
}
