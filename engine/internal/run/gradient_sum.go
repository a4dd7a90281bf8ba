package run

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// summed is a gradient of weights as sums over all pixels, in parts of the weights.
type summed struct {
	plain
	o       *plan.WeightGradient
	c       *chooser
	kernel  *kernel.GradientF32
	product kernel.WeightGradientF32 // without what is in the arena
	parts   []kernel.GradientPart
}

func newSummed(c *chooser, o *plan.WeightGradient) *summed {
	return &summed{o: o, c: c, kernel: c.Kernels.Gradient}
}

func (s *summed) algorithm() string { return s.kernel.Name }

func (s *summed) place() {
	p, o := &s.product, s.o
	p.Taps, p.K = 1, o.In.C
	if !o.Pointwise() {
		one := o.Geometry() // all images have the same rows
		one.Images = 1
		p.Rows, p.Taps, p.K = s.c.rowsOf(one, o.In)
		p.Stride, p.Height = one.Out.Area(), one.In.Area()
	}
	p.M, p.N = o.Gradient.Pixels(), o.Gradient.C
	p.LDA, p.LDY, p.LDB = o.In.Stride(), o.Gradient.Stride(), o.To.Stride()
	s.divide(s.c.Threads)
}

// divide cuts the weights into parts that end at about the same time, as few as that
// takes: each reads all pixels.
func (s *summed) divide(threads int) {
	p, height := &s.product, s.kernel.Rows()
	tiles, panels := ceil(p.K, height), ceil(p.N, s.kernel.NR)
	best, split := math.MaxInt, [3]int{1, 1, 1}
	most := tuning.GradientParts * threads
	for taps := 1; taps <= min(p.Taps, most); taps++ {
		for rows := 1; rows <= min(tiles, most/taps); rows++ {
			for columns := 1; columns <= min(panels, most/taps/rows); columns++ {
				parts := taps * rows * columns
				tile := height * s.kernel.NR
				cost := ceil(parts, threads)*ceil(p.Taps, taps)*ceil(tiles, rows)*ceil(panels, columns)*tile*p.M + 4*parts*p.M*(p.N/columns+p.K/rows)/threads
				if cost < best {
					best, split = cost, [3]int{taps, rows, columns}
				}
			}
		}
	}
	share := func(i, parts, units, size, of int) [2]int {
		return [2]int{min(i*units/parts*size, of), min((i+1)*units/parts*size, of)}
	}
	for t := range split[0] {
		for k := range split[1] {
			for n := range split[2] {
				s.parts = append(s.parts, kernel.GradientPart{
					Taps: share(t, split[0], p.Taps, 1, p.Taps),
					K:    share(k, split[1], tiles, height, p.K),
					N:    share(n, split[2], panels, s.kernel.NR, p.N),
					M:    [2]int{0, p.M},
				})
			}
		}
	}
}

func (s *summed) bind(r *run) func() error {
	in, gradient, to := r.view(s.o.In), r.view(s.o.Gradient), r.view(s.o.To)
	return r.parallel(len(s.parts), func(part, thread int) {
		p := s.product
		p.A, p.DY, p.DB = in.floats(), gradient.floats(), to.floats()
		s.kernel.Run(&p, s.parts[part], &r.pairs[thread])
	})
}
