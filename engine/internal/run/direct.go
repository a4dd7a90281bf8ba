package run

import (
	"math"

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
	return needs{packed: d.size()}
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
	if taps > 1 {
		d.lineUp()
	}
	d.groups, d.rows = divide(p, d.gemm, d.gemm.Panels(p.N), d.c.Threads)
}

// lineUp puts the rows of a product into lines along which a window's taps are outside
// the image together, the rows of pixels or for a flat window the columns, where that
// saves more time than the tiles at the ends of the lines and the other order in memory
// take. Of a window of seven in an image of seventeen a tenth is outside.
func (d *direct) lineUp() {
	g, p, residual := d.o.Geometry(), &d.product, d.o.Residual != nil
	if g.InputDilation != kernel.Square(1) || residual {
		return
	}
	tiles := func(rows, taps int) int {
		n := ceil(rows, d.gemm.Rows(true))
		return max(rows, n*tuning.LineTileRows)*taps*p.K + n*tuning.LineTileCost
	}
	inside := func(at, dilation, window, size int) int {
		n := 0
		for i := range window {
			if at+i*dilation >= 0 && at+i*dilation < size {
				n++
			}
		}
		return max(n, 1)
	}
	whole, byRow, byColumn := tiles(p.M, p.Taps), 0, 0
	for y := range g.Out.Y {
		byRow += g.Images * tiles(g.Out.X, inside(y*g.Stride.Y-g.Padding.Y, g.Dilation.Y, g.Kernel.Y, g.In.Y)*p.Taps/g.Kernel.Y)
	}
	for x := range g.Out.X {
		byColumn += tiles(g.Images*g.Out.Y, inside(x*g.Stride.X-g.Padding.X, g.Dilation.X, g.Kernel.X, g.In.X))
	}
	worth := whole - whole/tuning.LineGain
	stride := d.o.Out.Stride()
	switch {
	case g.Kernel.Y == 1 && p.Taps == g.Kernel.X && byColumn < worth:
		p.Line, p.NextC = g.Images*g.Out.Y, stride
		p.LDC = g.Out.X * stride
		p.Rows = d.c.columnsOf(p.Rows, p.Line, g.Out.X)
	case byRow < worth:
		p.Line, p.NextC = g.Out.X, g.Out.X*stride
	}
}

// divide cuts a product of some panels into parts for the threads, groups of columns
// and blocks of rows, so that the threads end at about the same time and read little
// twice. A group more reads all the pixels again, a block more all the weights.
func divide(p *kernel.ProductF32, gemm *kernel.GemmF32, panels, threads int) (groups, rows int) {
	height := gemm.Rows(p.Rows != nil)
	if p.Line > 0 {
		height = p.Line
	}
	tiles, depth := ceil(p.M, height), max(p.Taps, 1)*p.K
	best := math.MaxInt
	for g := 1; g <= min(panels, tuning.PartsPerThread*threads); g++ {
		for blocks := 1; blocks <= min(tiles, tuning.PartsPerThread*threads/g); blocks++ {
			part := ceil(tiles, blocks) * ceil(panels, g) * height * gemm.NR * depth
			cost := ceil(g*blocks, threads)*part + part/16 +
				(g*p.M*p.K*tuning.PixelCost+blocks*panels*gemm.NR*depth*tuning.WeightCost)/threads
			if cost < best {
				best = cost
				groups, rows = g, ceil(tiles, blocks)*height
			}
		}
	}
	return groups, rows
}

func (d *direct) pack(dst []float32) {
	o, p := d.o, &d.product
	if o.Transposed {
		w := asPacked(o)
		w.B, w.LDB = o.Weights, o.In.C
		for panel := range d.gemm.Panels(p.N) {
			d.gemm.PackPanel(dst[panel*p.Taps*p.K*d.gemm.NR:], &w, panel)
		}
	} else {
		d.gemm.PackInto(dst, o.Weights, p.Taps, p.K, p.N, p.N, o.Scale)
	}
	p.B, o.Weights = dst, nil
}

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

func (d *direct) bind(r *run) func() error {
	blocks := ceil(d.product.M, d.rows)
	panels := d.gemm.Panels(d.product.N)
	at := d.views(r)
	multiply := r.parallel(blocks*d.groups, func(part, _ int) {
		p := at.product()
		block, group := part%blocks, part/blocks
		d.gemm.Run(&p, block*d.rows, min((block+1)*d.rows, p.M), group*panels/d.groups, (group+1)*panels/d.groups)
	})
	if !d.o.Trained() {
		return multiply
	}
	pack := d.packForRun(r)
	return func() error {
		if err := pack(); err != nil {
			return err
		}
		return multiply()
	}
}

// directViews is where a direct convolution's memory is in a run.
type directViews struct {
	*direct
	in, out, residual, packed view
}

func (d *direct) views(r *run) directViews {
	v := directViews{direct: d, in: r.view(d.o.In), out: r.view(d.o.Out)}
	if d.o.Residual != nil {
		v.residual = r.view(d.o.Residual)
	}
	if d.packed != nil {
		v.packed = r.view(d.packed)
	}
	return v
}

// product is the product in a run.
func (v *directViews) product() kernel.ProductF32 {
	p := v.direct.product
	p.A, p.C = v.in.floats(), v.out.floats()
	if v.o.Residual != nil {
		p.Residual = v.residual.floats()
	}
	if v.direct.packed != nil {
		p.B = v.packed.floats()
	}
	return p
}
