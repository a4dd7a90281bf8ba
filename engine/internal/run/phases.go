package run

import (
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// phased is a convolution of pixels with zeros between them, as the gradient of one with
// a stride is: each of the output's phases, the pixels whose distance is the input's
// dilation, is a convolution by its own part of the window, and no zero is multiplied.
type phased struct {
	plain
	o       *plan.Convolution
	gemm    *kernel.GemmF32
	threads int
	packed  *plan.Tensor // memory for the weights of all phases
	phases  []phase
	parts   []phasePart
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

// acceptsPhases reports whether each pixel of a convolution whose input is dilated has a
// part of the window.
func acceptsPhases(_ *chooser, o *plan.Convolution) bool {
	w, by, out := o.Window, o.Window.InputDilation, o.Out.Image()
	return by != kernel.Square(1) && w.Stride == kernel.Square(1) && w.Dilation == kernel.Square(1) &&
		w.Kernel.Y >= by.Y && w.Kernel.X >= by.X && out.Y >= by.Y && out.X >= by.X && o.Trained()
}

func newPhased(c *chooser, o *plan.Convolution) *phased {
	p := &phased{o: o, gemm: c.Kernels.Gemm, threads: c.Threads}
	p.packed = plan.Workspace(4 * p.gemm.PackedSize(o.Window.Kernel.Area(), o.In.C, o.Out.C))
	return p
}

func (p *phased) algorithm() string { return "phases " + p.gemm.Name }

func (p *phased) Workspace() []*plan.Tensor { return workspace(p.packed) }

func (p *phased) place() {
	by, size := p.o.Window.InputDilation, 0
	for top := range by.Y {
		for left := range by.X {
			ph := p.phase(top, left)
			ph.packed = size
			size += p.gemm.PackedSize(ph.product.Taps, ph.product.K, ph.product.N)
			p.phases = append(p.phases, ph)
		}
	}
	p.divide()
}

// phase makes the product of the phase that begins at a pixel.
func (p *phased) phase(top, left int) phase {
	o, g := p.o, p.o.Geometry()
	by := g.InputDilation
	ph := phase{top: top, left: left, height: ceil(g.Out.Y-top, by.Y), width: ceil(g.Out.X-left, by.X)}
	r := &ph.product
	r.M, r.N, r.K = g.Images*ph.height*ph.width, o.Out.C, o.In.C
	r.LDA, r.LDC, r.Stride = o.In.Stride(), by.X*o.Out.Stride(), r.M
	r.Bias, r.ReLU, r.Zero, r.Depth = o.Bias, o.ReLU, make([]float32, r.K), tuning.TrainingDepth
	if o.Residual != nil {
		r.LDR, r.Scale = by.X*o.Residual.Stride(), 1
	}
	r.Rows = make([]int32, 0, r.M*ceil(g.Kernel.Y, by.Y)*ceil(g.Kernel.X, by.X))
	taps := asPacked(o).Taps
	for ky := range g.Kernel.Y {
		for kx := range g.Kernel.X {
			// The input's pixel under the tap is at y, x of the phase's first, if whole.
			y, x := top+ky-g.Padding.Y, left+kx-g.Padding.X
			if modulo(y, by.Y) != 0 || modulo(x, by.X) != 0 {
				continue
			}
			ph.taps = append(ph.taps, taps[ky*g.Kernel.X+kx])
			y, x = (y-modulo(y, by.Y))/by.Y, (x-modulo(x, by.X))/by.X
			for n := range g.Images {
				for i := range ph.height {
					for j := range ph.width {
						at := int32(-1)
						if sy, sx := y+i, x+j; sy >= 0 && sy < g.In.Y && sx >= 0 && sx < g.In.X {
							at = int32((n*g.In.Y+sy)*g.In.X + sx)
						}
						r.Rows = append(r.Rows, at)
					}
				}
			}
		}
	}
	r.Taps = len(ph.taps)
	return ph
}

func modulo(a, b int) int { return (a%b + b) % b }

// divide cuts the phases into parts, some for each thread, the largest first.
func (p *phased) divide() {
	panels := p.gemm.Panels(p.o.Out.C)
	for i, ph := range p.phases {
		rows := p.o.Out.N * ph.height
		blocks := min(rows, 4*p.threads)
		groups := 1
		if blocks < 2*p.threads {
			groups = min(panels, ceil(2*p.threads, blocks))
		}
		for b := range blocks {
			for g := range groups {
				p.parts = append(p.parts, phasePart{i,
					[2]int{b * rows / blocks, (b + 1) * rows / blocks}, [2]int{g * panels / groups, (g + 1) * panels / groups}})
			}
		}
	}
}

func (p *phased) bind(r *run) func() error {
	weights := make([]kernel.WeightsF32, len(p.phases))
	for i, ph := range p.phases {
		weights[i] = asPacked(p.o)
		weights[i].Taps, weights[i].LDB = ph.taps, p.o.Kernel.Stride()
	}
	panels := p.gemm.Panels(p.o.Out.C)
	from, packed := r.view(p.o.Kernel), r.view(p.packed)
	pack := r.parallel(len(p.phases)*panels, func(part, _ int) {
		i, panel := part/panels, part%panels
		size := len(p.phases[i].taps) * p.o.In.C * p.gemm.NR
		p.gemm.PackPanel(packed.floats()[p.phases[i].packed+panel*size:][:size], &weights[i], panel)
	})
	m := phasedMemory{in: r.view(p.o.In), out: r.view(p.o.Out), packed: packed}
	if p.o.Residual != nil {
		m.residual = r.view(p.o.Residual)
	}
	multiply := r.parallel(len(p.parts), func(part, _ int) { p.multiply(m, p.parts[part]) })
	return func() error {
		for i := range weights {
			weights[i].B = from.floats()
		}
		if err := pack(); err != nil {
			return err
		}
		return multiply()
	}
}

// phasedMemory is where the memory is in a run.
type phasedMemory struct{ in, out, residual, packed view }

// multiply computes a part row of pixels by row of pixels, whose distances are equal.
func (p *phased) multiply(m phasedMemory, part phasePart) {
	ph := &p.phases[part.phase]
	product := ph.product
	product.M = ph.width
	product.A = m.in.floats()
	product.B = m.packed.floats()[ph.packed:][:p.gemm.PackedSize(product.Taps, product.K, product.N)]
	out, stride := m.out.floats(), p.o.Out.Stride()
	by := p.o.Window.InputDilation
	together := p.gemm.Together(product.Taps * product.K)
	for first := part.columns[0]; first < part.columns[1]; first += together {
		last := min(first+together, part.columns[1])
		for row := part.rows[0]; row < part.rows[1]; row++ {
			pixel := (row/ph.height*p.o.Out.H+ph.top+row%ph.height*by.Y)*p.o.Out.W + ph.left
			product.Rows = ph.product.Rows[row*ph.width:]
			product.C = out[pixel*stride:]
			if p.o.Residual != nil {
				product.Residual = m.residual.floats()[pixel*p.o.Residual.Stride():]
			}
			p.gemm.Run(&product, 0, ph.width, first, last)
		}
	}
}
