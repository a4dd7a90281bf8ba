package engine

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// phased is a convolution of pixels with zeros between them, as the gradient of one with
// a stride is: each of the output's phases, the pixels whose distance is the input's
// pixels', is a convolution by its own part of the window, and no zero is multiplied.
type phased struct {
	*convolution
	gemm   *kernel.GemmF32
	phases []phase
	size   int // packed floats of all phases
	parts  []phasePart
}

// A phase is a product whose rows are the pixels of a phase, image by image.
type phase struct {
	top, left     int // the first pixel
	height, width int // pixels in an image
	taps          []int
	product       kernel.ProductF32 // without what is in the arena
	packed        int               // where its weights begin
}

// A phasePart is rows of pixels and panels of columns of a phase.
type phasePart struct {
	phase         int
	rows, columns [2]int
}

// hasPhases reports whether each pixel of a convolution whose input is spread has a part
// of the window.
func (o *convolution) hasPhases() bool {
	return (o.spreadY > 1 || o.spreadX > 1) && o.strideY == 1 && o.strideX == 1 && o.holeY == 1 && o.holeX == 1 &&
		o.height >= o.spreadY && o.width >= o.spreadX && o.out.h >= o.spreadY && o.out.w >= o.spreadX && o.kernel != nil
}

func newPhased(o *convolution, gemm *kernel.GemmF32, threads int) *phased {
	p := &phased{convolution: o, gemm: gemm}
	taps := o.taps()
	for top := range o.spreadY {
		for left := range o.spreadX {
			ph := phase{
				top: top, left: left, packed: p.size,
				height: ceil(o.out.h-top, o.spreadY), width: ceil(o.out.w-left, o.spreadX),
			}
			r := &ph.product
			r.M, r.N, r.K = o.out.n*ph.height*ph.width, o.out.c, o.in.c
			r.LDA, r.LDC, r.Stride = o.in.pitch, o.spreadX*o.out.pitch, r.M
			r.Bias, r.ReLU, r.Zero, r.Depth = o.bias, o.relu, make([]float32, r.K), trainingDepth
			if o.residual != nil {
				r.LDR, r.Scale = o.spreadX*o.residual.pitch, 1
			}
			r.Rows = make([]int32, 0, r.M*ceil(o.height, o.spreadY)*ceil(o.width, o.spreadX))
			for ky := range o.height {
				for kx := range o.width {
					// The input's pixel under the tap is at y, x of the phase's first, if whole.
					y, x := top+ky-o.top, left+kx-o.left
					if modulo(y, o.spreadY) != 0 || modulo(x, o.spreadX) != 0 {
						continue
					}
					ph.taps = append(ph.taps, taps[ky*o.width+kx])
					y, x = (y-modulo(y, o.spreadY))/o.spreadY, (x-modulo(x, o.spreadX))/o.spreadX
					for n := range o.out.n {
						for i := range ph.height {
							for j := range ph.width {
								at := int32(-1)
								if sy, sx := y+i, x+j; sy >= 0 && sy < o.in.h && sx >= 0 && sx < o.in.w {
									at = int32((n*o.in.h+sy)*o.in.w + sx)
								}
								r.Rows = append(r.Rows, at)
							}
						}
					}
				}
			}
			r.Taps = len(ph.taps)
			p.size += gemm.PackedSize(r.Taps, r.K, r.N)
			p.phases = append(p.phases, ph)
		}
	}
	p.divide(threads)
	return p
}

func modulo(a, b int) int { return (a%b + b) % b }

// divide cuts the phases into parts, some for each thread, the largest first.
func (p *phased) divide(threads int) {
	panels := p.gemm.Panels(p.out.c)
	for i, ph := range p.phases {
		rows := p.out.n * ph.height
		blocks := min(rows, 4*threads)
		groups := 1
		if blocks < 2*threads {
			groups = min(panels, ceil(2*threads, blocks))
		}
		for b := range blocks {
			for g := range groups {
				p.parts = append(p.parts, phasePart{i,
					[2]int{b * rows / blocks, (b + 1) * rows / blocks}, [2]int{g * panels / groups, (g + 1) * panels / groups}})
			}
		}
	}
}

func (p *phased) packedSize() int { return p.size }

// pack is not for phases: their weights are not constant.
func (p *phased) pack([]float32) {}

func (p *phased) bind(r *run) func() error {
	given := make([]kernel.WeightsF32, len(p.phases))
	for i, ph := range p.phases {
		given[i] = p.given(nil, 0)
		given[i].Taps = ph.taps
	}
	panels := p.gemm.Panels(p.out.c)
	pack := r.parallel(len(p.phases)*panels, func(part, _ int) {
		i, panel := part/panels, part%panels
		size := len(p.phases[i].taps) * p.in.c * p.gemm.NR
		p.gemm.PackPanel(p.packed.in(r)[p.phases[i].packed+panel*size:][:size], &given[i], panel)
	})
	multiply := r.parallel(len(p.parts), func(part, _ int) { p.multiply(r, p.parts[part]) })
	return func() error {
		for i := range given {
			given[i].B, given[i].LDB = p.kernel.in(r), p.kernel.pitch
		}
		if err := pack(); err != nil {
			return err
		}
		return multiply()
	}
}

// multiply computes a part row of pixels by row of pixels, whose distances are equal.
func (p *phased) multiply(r *run, part phasePart) {
	ph := &p.phases[part.phase]
	product := ph.product
	product.M = ph.width
	product.A = p.in.in(r)
	product.B = p.packed.in(r)[ph.packed:][:p.gemm.PackedSize(product.Taps, product.K, product.N)]
	out := p.out.in(r)
	together := p.gemm.Together(product.Taps * product.K)
	for first := part.columns[0]; first < part.columns[1]; first += together {
		last := min(first+together, part.columns[1])
		for row := part.rows[0]; row < part.rows[1]; row++ {
			pixel := (row/ph.height*p.out.h+ph.top+row%ph.height*p.spreadY)*p.out.w + ph.left
			product.Rows = ph.product.Rows[row*ph.width:]
			product.C = out[pixel*p.out.pitch:]
			if p.residual != nil {
				product.Residual = p.residual.in(r)[pixel*p.residual.pitch:]
			}
			p.gemm.Run(&product, 0, ph.width, first, last)
		}
	}
}
