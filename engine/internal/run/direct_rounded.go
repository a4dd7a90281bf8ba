package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// directRounded is a convolution in float32 whose result is rounded to bfloat16 or to integers: so
// many rows at a time as stay in a level-1 cache until they are.
type directRounded struct {
	*direct
	rounding *plan.Conversion
	pixel    convertPixel
	most     int // rows at a time
}

func acceptsRounded(_ *chooser, o *plan.Convolution) bool {
	return o.In.DType == dtypes.Float32 && o.Out.DType != dtypes.Float32 && o.Residual == nil && o.Quantized == nil && !o.Trained()
}

func newDirectRounded(c *chooser, o *plan.Convolution) *directRounded {
	d := &directRounded{direct: newDirect(c, o), rounding: &plan.Conversion{In: o.In, Out: o.Out, To: o.To}}
	d.pixel = conversionOf(d.rounding)
	height := d.gemm.Rows(!o.Pointwise())
	d.most = height * max(1, tuning.RoundedBytes/(height*d.pitch()))
	return d
}

// pitch is how many bytes a row of the result has before it is rounded.
func (d *directRounded) pitch() int { return dtypes.Float32.Size() * d.o.Out.C }

func (d *directRounded) needs() needs {
	n := d.direct.needs()
	n.scratch = d.most * d.pitch()
	return n
}

func (d *directRounded) bind(r *run) func() error { return bindProduct(d, d.groups, d.direct.rows, r) }

func (d *directRounded) in(r *run) (begin func() error, multiply multiply) {
	o, in, out := d.o, r.view(d.o.In), r.view(d.o.Out)
	begin = func() error { return nil }
	return begin, func(top, bottom, first, last, thread int) {
		left := first * d.gemm.NR
		channels := min(last*d.gemm.NR, o.Out.C) - left
		sums := view{&r.scratch[thread], 0, d.most * d.pitch()}
		for ; top < bottom; top += d.most {
			p := d.product
			p.M, p.A, p.C, p.LDC = min(d.most, bottom-top), in.floats(), sums.floats(), o.Out.C
			if p.Rows != nil {
				p.Rows = p.Rows[top:]
			} else {
				p.A = p.A[top*p.LDA:]
			}
			d.gemm.Run(&p, 0, p.M, first, last)
			if channels == o.Out.Stride() {
				d.pixel(d.c, d.rounding, out, sums, top*channels, 0, p.M*channels, nil)
				continue
			}
			for i := range p.M {
				d.pixel(d.c, d.rounding, out, sums, (top+i)*o.Out.Stride()+left, i*o.Out.C+left, channels, nil)
			}
		}
	}
}
