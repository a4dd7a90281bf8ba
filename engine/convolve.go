package engine

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// direct is a convolution as one product of matrices, whose rows are the output's
// pixels: each reads the pixels under the window where they are (implicit GEMM).
type direct struct {
	*convolution
	gemm    *kernel.GemmF32
	product kernel.ProductF32 // without what is in the arena
	groups  int               // parts that the columns are divided into
	rows    int               // of a part
}

// trainingDepth is how many products are summed at a time where weights are trained.
// Deep networks amplify rounding, which shows in their gradients; sums of this length
// have half of that of whole ones.
const trainingDepth = 256

func newDirect(o *convolution, gemm *kernel.GemmF32, threads int) *direct {
	d := &direct{convolution: o, gemm: gemm}
	taps, k := 1, o.in.c
	if !o.pointwise() {
		d.product.Rows, taps, k = o.windowRows(o.out.n)
		d.product.Stride = o.out.pixels()
		d.product.Zero = make([]float32, k)
	}
	d.product.M, d.product.N, d.product.K = o.out.pixels(), o.out.c, k
	d.product.LDA, d.product.LDC = o.in.pitch, o.out.pitch
	d.product.Taps = taps
	d.product.Bias, d.product.ReLU = o.bias, o.relu
	if o.residual != nil {
		d.product.LDR, d.product.Scale = o.residual.pitch, 1
	}
	if o.kernel != nil && !gemm.Wide {
		d.product.Depth = trainingDepth
	}
	if taps > 1 {
		o.lineUp(&d.product, gemm)
	}
	d.groups, d.rows = divide(&d.product, gemm, gemm.Panels(d.product.N), threads)
	return d
}

func (o *convolution) constant() bool { return o.kernel == nil }

func (d *direct) packedSize() int {
	return d.gemm.PackedSize(d.product.Taps, d.product.K, d.product.N)
}

func (d *direct) pack(dst []float32) {
	p := &d.product
	if d.transposed {
		taps := d.height * d.width
		w := d.given(d.weights, p.Taps*p.K/taps)
		for panel := range d.gemm.Panels(p.N) {
			d.gemm.PackPanel(dst[panel*p.Taps*p.K*d.gemm.NR:], &w, panel)
		}
	} else {
		d.gemm.PackInto(dst, d.weights, p.Taps, p.K, p.N, p.N, d.scale)
	}
	p.B, d.weights = dst, nil
}

// given are weights as they are packed, with rows so far apart.
func (o *convolution) given(weights []float32, apart int) kernel.WeightsF32 {
	return kernel.WeightsF32{
		B: weights, Taps: o.taps(), K: o.in.c, N: o.out.c, LDB: apart, Transposed: o.transposed, Scale: o.scale,
	}
}

// taps lists the places in the weights of the window's taps.
func (o *convolution) taps() []int {
	taps := make([]int, o.height*o.width)
	for i := range taps {
		if taps[i] = i; o.flipped {
			taps[i] = len(taps) - 1 - i
		}
	}
	return taps
}

// packEach packs the kernel before each run, with what packs one part of it.
func (o *convolution) packEach(r *run, parts int, pack func(dst []float32, w *kernel.WeightsF32, part, thread int)) func() error {
	w := o.given(nil, 0)
	each := r.parallel(parts, func(part, thread int) { pack(o.packed.in(r), &w, part, thread) })
	return func() error {
		w.B, w.LDB = o.kernel.in(r), o.kernel.pitch
		return each()
	}
}

// pointwise reports whether each output pixel reads just the input's pixel of the
// same place.
func (o *convolution) pointwise() bool {
	return o.height == 1 && o.width == 1 && o.strideY == 1 && o.strideX == 1 && o.spreadY == 1 && o.spreadX == 1 &&
		o.top == 0 && o.left == 0 && o.in.pixels() == o.out.pixels()
}

// windowRows lists, for every tap of the window and every output pixel of some images, the
// input pixel that is read, or -1 in the padding. Where the pixels of a window's row are
// contiguous and never in the padding, they are one tap: a convolution of three
// channels would otherwise spend its time on taps of three values.
func (o *convolution) windowRows(images int) (rows []int32, taps, k int) {
	key := rowsKey{
		images, o.in.h, o.in.w, o.out.h, o.out.w, o.height, o.width, o.strideY, o.strideX,
		o.spreadY, o.spreadX, o.holeY, o.holeX, o.top, o.left, 0,
	}
	width, k := o.width, o.in.c
	if o.in.pitch == o.in.c && o.left == 0 && o.spreadX == 1 && o.holeX == 1 && (o.out.w-1)*o.strideX+o.width <= o.in.w {
		width, k = 1, o.width*o.in.c
		key[len(key)-1] = 1
	}
	rows = shared(o.tables.rows, key, func() []int32 {
		rows := make([]int32, 0, o.height*width*images*o.out.h*o.out.w)
		for ky := range o.height {
			for kx := range width {
				for n := range images {
					for y := range o.out.h {
						for x := range o.out.w {
							sy, sx := y*o.strideY+ky*o.holeY-o.top, x*o.strideX+kx*o.holeX-o.left
							at := -1
							if sy >= 0 && sx >= 0 && sy%o.spreadY == 0 && sx%o.spreadX == 0 && sy/o.spreadY < o.in.h && sx/o.spreadX < o.in.w {
								at = (n*o.in.h+sy/o.spreadY)*o.in.w + sx/o.spreadX
							}
							rows = append(rows, int32(at))
						}
					}
				}
			}
		}
		return rows
	})
	return rows, o.height * width, k
}

// lineUp puts the rows of a product into lines along which a window's taps are outside
// the image together, the rows of pixels or for a flat window the columns, where that
// saves more time than the tiles at the ends of the lines and the other order in memory
// take. Of a window of seven in an image of seventeen a tenth is outside.
func (o *convolution) lineUp(p *kernel.ProductF32, gemm *kernel.GemmF32) {
	if o.spreadY != 1 || o.spreadX != 1 || o.residual != nil {
		return
	}
	// In multiply-adds of a column of a tile, with what a tile costs besides.
	const tileCost, lowest = 80, 4
	tiles := func(rows, taps int) int {
		n := ceil(rows, gemm.Rows(true))
		return max(rows, n*lowest)*taps*p.K + n*tileCost
	}
	inside := func(at, hole, window, size int) int {
		n := 0
		for i := range window {
			if at+i*hole >= 0 && at+i*hole < size {
				n++
			}
		}
		return max(n, 1)
	}
	whole, byRow, byColumn := tiles(p.M, p.Taps), 0, 0
	for y := range o.out.h {
		byRow += o.out.n * tiles(o.out.w, inside(y*o.strideY-o.top, o.holeY, o.height, o.in.h)*p.Taps/o.height)
	}
	for x := range o.out.w {
		byColumn += tiles(o.out.n*o.out.h, inside(x*o.strideX-o.left, o.holeX, o.width, o.in.w))
	}
	worth := whole - whole/25
	switch {
	case o.height == 1 && p.Taps == o.width && byColumn < worth:
		p.Line, p.NextC = o.out.n*o.out.h, o.out.pitch
		p.LDC = o.out.w * o.out.pitch
		p.Rows = shared(o.tables.columns, &p.Rows[0], func() []int32 { return o.byColumn(p.Rows) })
	case byRow < worth:
		p.Line, p.NextC = o.out.w, o.out.w*o.out.pitch
	}
}

// byColumn are the rows of a window with the pixels of a column after one another.
func (o *convolution) byColumn(rows []int32) []int32 {
	lines, width := o.out.n*o.out.h, o.out.w
	columns := make([]int32, len(rows))
	for tap := 0; tap < len(rows); tap += lines * width {
		for y := range lines {
			for x := range width {
				columns[tap+x*lines+y] = rows[tap+y*width+x]
			}
		}
	}
	return columns
}

// divide cuts a product of some panels into parts for the threads, groups of columns
// and blocks of rows, so that the threads end at about the same time and read little
// twice.
func divide(p *kernel.ProductF32, gemm *kernel.GemmF32, panels, threads int) (groups, rows int) {
	// What reading a value of the pixels or of the weights costs, in multiply-adds. A
	// group more reads all the pixels again, a block more all the weights.
	const pixelCost, weightCost, partsPerThread = 4, 8, 8
	height := gemm.Rows(p.Rows != nil)
	if p.Line > 0 {
		height = p.Line
	}
	tiles, depth := ceil(p.M, height), max(p.Taps, 1)*p.K
	best := math.MaxInt
	for g := 1; g <= min(panels, partsPerThread*threads); g++ {
		for blocks := 1; blocks <= min(tiles, partsPerThread*threads/g); blocks++ {
			part := ceil(tiles, blocks) * ceil(panels, g) * height * gemm.NR * depth
			cost := ceil(g*blocks, threads)*part + part/16 + (g*p.M*p.K*pixelCost+blocks*panels*gemm.NR*depth*weightCost)/threads
			if cost < best {
				best = cost
				groups, rows = g, ceil(tiles, blocks)*height
			}
		}
	}
	return groups, rows
}

func ceil(a, b int) int { return (a + b - 1) / b }

// packForRun packs the kernel before each run.
func (d *direct) packForRun(r *run) func() error {
	w := d.given(nil, 0)
	return d.packEach(r, d.gemm.Parts(&w), func(dst []float32, w *kernel.WeightsF32, part, _ int) {
		d.gemm.PackPart(dst, w, part)
	})
}

func (d *direct) bind(r *run) func() error {
	blocks := ceil(d.product.M, d.rows)
	panels := d.gemm.Panels(d.product.N)
	pack := func() error { return nil }
	if d.kernel != nil {
		pack = d.packForRun(r)
	}
	multiply := r.parallel(blocks*d.groups, func(part, _ int) {
		p := d.product
		if d.kernel != nil {
			p.B = d.packed.in(r)
		}
		p.A, p.C = d.in.in(r), d.out.in(r)
		if d.residual != nil {
			p.Residual = d.residual.in(r)
		}
		block, group := part%blocks, part/blocks
		d.gemm.Run(&p, block*d.rows, min((block+1)*d.rows, p.M), group*panels/d.groups, (group+1)*panels/d.groups)
	})
	return func() error {
		if err := pack(); err != nil {
			return err
		}
		return multiply()
	}
}
