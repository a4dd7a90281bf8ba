package run

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// directI8 is a convolution of unsigned 8-bit integers as one product of matrices, as direct is
// of float32: sums are exact, and are rounded to integers again, to bfloat16, or to both.
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
	return needs{packed: d.size(), scratch: d.gemm.Scratch(d.c.walkOver(d.o, d.gemm.Blocks()), d.o.In.C)}
}

// results are the tensors of the convolution's result, as integers and as bfloat16, or nil.
func (d *directI8) results() (integers, halves *plan.Tensor) {
	if d.o.Out.DType == dtypes.Uint8 {
		return d.o.Out, nil
	}
	return d.o.Quantized, d.o.Out
}

func (d *directI8) place() {
	o, p := d.o, &d.product
	taps, k := 1, o.In.C
	if p.Walk = d.c.walkOver(o, d.gemm.Blocks()); p.Walk != nil {
		taps = o.Window.Kernel.Area()
		p.Zero = make([]uint8, k)
	} else if !o.Pointwise() {
		p.Rows, taps, k = d.c.rowsOf(o.Geometry(), o.In)
		p.Stride = o.Out.Pixels()
		p.Zero = make([]uint8, k)
	}
	p.M, p.N, p.K = o.Out.Pixels(), o.Out.C, k
	p.LDA = o.In.Stride()
	integers, halves := d.results()
	if integers != nil {
		p.LDC = integers.Stride()
	}
	if halves != nil {
		p.LDCB = halves.Stride()
	}
	p.Taps, p.ReLU = taps, o.ReLU
	p.Inverse, p.ZeroPoint = 1, 0
	if integers != nil {
		p.Inverse, p.ZeroPoint = o.To.Inverse, o.To.ZeroPoint
	}
	if o.Residual != nil {
		p.LDR = o.Residual.Stride()
	}
	if taps > 1 && o.Residual == nil && halves == nil && !d.gemm.Blocks() {
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
	p.More = d.gemm.PackInto(integers(dst), o.Integers, p.Taps, p.K, p.N)
	f := factorsOf(o, d.panels()*d.gemm.NR)
	if f.folded {
		p.Inverse, p.ReLU = 0, false
	}
	p.Scale, p.Bias = f.scale, f.bias
	o.Integers = nil
}

func (d *directI8) hold(packed []byte) { d.product.B = integers(packed) }

// factorsI8 are those of the sums of a convolution of integers, and what is added to them.
type factorsI8 struct {
	scale, bias []float32
	folded      bool // into those that make integers at once
	most        int  // of the magnitude of a sum
}

// factorsOf returns the factors for at least as many channels as there are. Where nothing but
// integers is made of the result they make those at once, if these are no more than 30 bits.
func factorsOf(o *plan.Convolution, channels int) factorsI8 {
	sums, magnitudes := make([]int, o.Out.C), make([]int, o.Out.C)
	for row := range slices.Chunk(o.Integers, o.Out.C) {
		for j, w := range row {
			v := int(w)
			sums[j] += v
			magnitudes[j] += max(v, -v)
		}
	}
	to := o.To
	f := factorsI8{scale: make([]float32, channels), bias: make([]float32, channels)}
	f.folded = o.Out.DType == dtypes.Uint8 && o.Residual == nil && !(o.ReLU && to.ZeroPoint != 0)
	for j := range sums {
		f.scale[j] = o.Scale[j]
		f.bias[j] = float32(float64(o.Bias[j]) - float64(o.ZeroPoint)*float64(sums[j])*float64(f.scale[j]))
		sum := math.MaxUint8 * magnitudes[j]
		most := (float64(sum)*math.Abs(float64(f.scale[j]))+math.Abs(float64(f.bias[j])))*float64(to.Inverse) + float64(to.ZeroPoint)
		f.folded, f.most = f.folded && most < 1<<30, max(f.most, sum)
	}
	if f.folded {
		for j := range sums {
			f.scale[j], f.bias[j] = f.scale[j]*to.Inverse, f.bias[j]*to.Inverse+to.ZeroPoint
		}
	}
	return f
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
	integers, halves := d.results()
	toIntegers, toHalves, residual := viewOf(integers), viewOf(halves), viewOf(o.Residual)
	begin = func() error { return nil }
	return begin, func(top, bottom, first, last, thread int) {
		p := d.product
		p.A, p.Scratch = in.bytes(), r.scratch[thread]
		if integers != nil {
			p.C = toIntegers.bytes()
		}
		if halves != nil {
			p.CB = toHalves.bits()
		}
		if o.Residual != nil {
			p.Residual = residual.bits()
		}
		d.gemm.Run(&p, top, bottom, first, last)
	}
}
