package run

import (
	"math"
	"slices"
	"unsafe"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// directI8 is a convolution of unsigned 8-bit integers as one product of matrices, as direct is
// of float32: sums are exact, and become float32, or are rounded to integers again.
type directI8 struct {
	plain
	o            *plan.Convolution
	c            *chooser
	gemm         *kernel.GemmI8
	product      kernel.ProductI8 // without what is in the arena
	groups, rows int
}

func acceptsI8(_ *chooser, o *plan.Convolution) bool { return o.In.DType == dtypes.Uint8 }

func newDirectI8(c *chooser, o *plan.Convolution) *directI8 {
	return &directI8{o: o, c: c, gemm: c.Kernels.GemmI8}
}

func (d *directI8) algorithm() string { return "direct " + d.gemm.Name }

// size is how many bytes the packed weights are.
func (d *directI8) size() int {
	return d.gemm.PackedSize(d.o.Window.Kernel.Area(), d.o.In.C, d.o.Out.C)
}

func (d *directI8) needs() needs {
	return needs{packed: d.size(), scratch: d.gemm.Scratch(d.o.Window.Kernel.Area(), d.o.In.C)}
}

// results are the tensors of the convolution's result, as integers and as float32, or nil.
func (d *directI8) results() (integers, floats *plan.Tensor) {
	if d.o.Out.DType == dtypes.Uint8 {
		return d.o.Out, nil
	}
	return d.o.Quantized, d.o.Out
}

func (d *directI8) place() {
	o, p := d.o, &d.product
	taps, k := 1, o.In.C
	if !o.Pointwise() {
		p.Rows, taps, k = d.c.rowsOf(o.Geometry(), o.In)
		p.Stride = o.Out.Pixels()
		p.Zero = make([]uint8, k)
	}
	p.M, p.N, p.K = o.Out.Pixels(), o.Out.C, k
	p.LDA = o.In.Stride()
	integers, floats := d.results()
	if integers != nil {
		p.LDC = integers.Stride()
	}
	if floats != nil {
		p.LDF = floats.Stride()
	}
	p.Taps, p.ReLU = taps, o.ReLU
	p.Inverse, p.ZeroPoint = 1, 0
	if integers != nil {
		p.Inverse, p.ZeroPoint = o.To.Inverse, o.To.ZeroPoint
	}
	if o.Residual != nil {
		p.LDR = o.Residual.Stride()
	}
	if taps > 1 && o.Residual == nil && floats == nil && !d.gemm.Blocks() {
		if l, ok := d.c.lineUp(o, p.Rows, taps, k/4, d.gemm.Rows(true)); ok {
			p.Line, p.NextC, p.LDC, p.Rows = l.length, l.next, l.distance, l.rows
		}
	}
	d.groups, d.rows = divide(d.shape(), d.panels(), d.c.Threads)
}

// shape counts the fours of k that an instruction multiplies as one step.
func (d *directI8) shape() productShape {
	p := &d.product
	s := productShape{rows: p.M, depth: max(p.Taps, 1) * p.K / 4, pixel: p.K / 4, height: d.gemm.Rows(p.Rows != nil), width: d.gemm.NR, blocks: d.gemm.Blocks()}
	if p.Line > 0 {
		s.height = p.Line
	}
	return s
}

func (d *directI8) pack(dst []byte) {
	o, p := d.o, &d.product
	packed := unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst))
	d.gemm.PackInto(packed, o.Integers, p.Taps, p.K, p.N)
	p.Scale, p.Bias = d.factors()
	p.B, o.Integers = packed, nil
}

// factors are those of the sums, and what is added, for all columns of the panels. Where
// nothing but integers is made of the result they make those at once.
func (d *directI8) factors() (scale, bias []float32) {
	o, p := d.o, &d.product
	sums, magnitudes := make([]float64, p.N), make([]float64, p.N)
	for row := range slices.Chunk(o.Integers, p.N) {
		for j, w := range row {
			sums[j] += float64(w)
			magnitudes[j] += math.Abs(float64(w))
		}
	}
	integers, floats := d.results()
	folded := integers != nil && floats == nil && o.Residual == nil && !(o.ReLU && p.ZeroPoint != 0)
	scale, bias = make([]float32, d.panels()*d.gemm.NR), make([]float32, d.panels()*d.gemm.NR)
	for j := range p.N {
		scale[j] = o.Scale[j]
		bias[j] = float32(float64(o.Bias[j]) - float64(o.ZeroPoint)*sums[j]*float64(scale[j]))
		most := (math.MaxUint8*magnitudes[j]*math.Abs(float64(scale[j]))+math.Abs(float64(bias[j])))*float64(p.Inverse) + float64(p.ZeroPoint)
		folded = folded && most < 1<<30
	}
	if folded {
		for j := range p.N {
			scale[j], bias[j] = scale[j]*p.Inverse, bias[j]*p.Inverse+p.ZeroPoint
		}
		p.Inverse, p.ReLU = 0, false
	}
	return scale, bias
}

func (d *directI8) panels() int   { return d.gemm.Panels(d.product.N) }
func (d *directI8) together() int { return d.gemm.Together(4 * d.shape().depth) }

func (d *directI8) bind(r *run) func() error { return bindProduct(d, d.groups, d.rows, r) }

func (d *directI8) in(r *run) (begin func() error, multiply multiply) {
	o, in := d.o, r.view(d.o.In)
	viewOf := func(t *plan.Tensor) (v view) {
		if t != nil {
			v = r.view(t)
		}
		return v
	}
	integers, floats := d.results()
	toIntegers, toFloats, residual := viewOf(integers), viewOf(floats), viewOf(o.Residual)
	begin = func() error { return nil }
	return begin, func(top, bottom, first, last, thread int) {
		p := d.product
		p.A, p.Scratch = in.bytes(), r.scratch[thread]
		if integers != nil {
			p.C = toIntegers.bytes()
		}
		if floats != nil {
			p.CF = toFloats.floats()
		}
		if o.Residual != nil {
			p.Residual = residual.floats()
		}
		d.gemm.Run(&p, top, bottom, first, last)
	}
}
