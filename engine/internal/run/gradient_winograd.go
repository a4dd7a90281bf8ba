package run

import (
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// winogradGradient is a gradient of weights by Winograd's algorithm, in blocks of tiles.
// Each thread has blocks and sums of its own where these are few; otherwise all threads
// transform a block, and then multiply it.
type winogradGradient struct {
	plain
	o           *plan.WeightGradient
	kernel      *kernel.WinogradF32
	product     kernel.ConvolutionGradientF32 // without what is in the arena
	blocks      int                           // that there is memory for
	tiles, sums int                           // floats of a block and of the sums, whole cache lines
	memory      *plan.Tensor                  // what the sums and then the blocks are in
}

// acceptsWinogradGradient reports whether the algorithm is faster than a direct sum, by a
// model of what was measured.
func acceptsWinogradGradient(c *chooser, o *plan.WeightGradient) bool {
	k := c.Kernels.Winograd(o.Window.Kernel.Y, o.Window.Kernel.X)
	if !c.Winograd || k == nil || !o.Window.Dense() {
		return false
	}
	in, out := o.In.C, o.Gradient.C
	tiles := k.Tiles(o.Gradient.N, o.Gradient.Image())
	return 4*k.GradientSums(in, out, 1) <= tuning.MostSums &&
		k.Points()*(tiles*(in*out+tuning.GradientValueCost*(in+out))+tuning.GradientSumsCost*in*out) <
			o.Window.Kernel.Area()*o.Gradient.Pixels()*in*out
}

func newWinogradGradient(c *chooser, o *plan.WeightGradient) *winogradGradient {
	k := c.Kernels.Winograd(o.Window.Kernel.Y, o.Window.Kernel.X)
	w := &winogradGradient{o: o, kernel: k, blocks: 1}
	p := &w.product
	p.Grid = c.grid(&k.Winograd, o.Geometry())
	p.K, p.N = o.In.C, o.Gradient.C
	p.Zero = make([]float32, max(p.K, p.N))
	most := min(tuning.SharedBlock*c.Threads, tuning.MostShared)
	if 4*k.GradientSums(p.K, p.N, 1) <= tuning.OwnSums && p.Grid.Tiles >= tuning.OwnTiles*c.Threads {
		w.blocks, most = c.Threads, tuning.OwnBlock
	}
	p.Parts = w.blocks
	// Blocks of equal size.
	tiles := ceil(p.Grid.Tiles, p.Parts)
	p.Block = ceil(tiles, ceil(tiles, max(1, most/4/k.GradientTiles(p.K, p.N, 1))))
	p.ToTaps = k.GradientTaps(p.Parts)
	whole := func(floats int) int { return plan.Lines(4*floats) * tuning.CacheLine / 4 }
	w.tiles, w.sums = whole(k.GradientTiles(p.K, p.N, p.Block)), whole(k.GradientSums(p.K, p.N, p.Parts))
	w.memory = plan.Workspace(4 * (w.sums + w.blocks*w.tiles))
	return w
}

func (w *winogradGradient) algorithm() string { return "gradient " + w.kernel.Name }

func (w *winogradGradient) Workspace() []*plan.Tensor { return workspace(w.memory) }

func (w *winogradGradient) place() {
	w.product.Pitch, w.product.PitchY, w.product.LDB = w.o.In.Stride(), w.o.Gradient.Stride(), w.o.To.Stride()
}

// gradientMemory is where the memory is in a run.
type gradientMemory struct {
	*winogradGradient
	in, gradient, to, work view
}

// of is the product, with one of the blocks.
func (m *gradientMemory) of(block int) kernel.ConvolutionGradientF32 {
	p := m.product
	p.X, p.DY, p.DB = m.in.floats(), m.gradient.floats(), m.to.floats()
	work := m.work.floats()
	p.Sums, p.V = work[:m.sums], work[m.sums+block*m.tiles:][:m.tiles]
	return p
}

func (w *winogradGradient) bind(r *run) func() error {
	m := &gradientMemory{w, r.view(w.o.In), r.view(w.o.Gradient), r.view(w.o.To), r.view(w.memory)}
	groups := ceil(w.product.K, tuning.GradientRows)
	finish := r.parallel(w.kernel.Panels(w.product.N)*groups, func(at, _ int) {
		p := m.of(0)
		panel, first := at/groups, at%groups*tuning.GradientRows
		w.kernel.FinishGradient(&p, panel, first, min(first+tuning.GradientRows, p.K))
	})
	sum := m.sumShared(r)
	if w.blocks > 1 {
		sum = m.sumOwn(r)
	}
	return func() error {
		if err := sum(); err != nil {
			return err
		}
		return finish()
	}
}

// sumOwn returns what sums the products of each part of the tiles in one go.
func (m *gradientMemory) sumOwn(r *run) func() error {
	k := m.kernel
	panels, points := k.Panels(m.product.N), k.Points()
	return r.parallel(m.product.Parts, func(part, thread int) {
		p := m.of(part)
		begin, end := part*p.Grid.Tiles/p.Parts, (part+1)*p.Grid.Tiles/p.Parts
		for first := begin; first < end; first += p.Block {
			last := min(first+p.Block, end)
			k.TransformGradient(&p, first, first, last)
			for point := range points {
				k.SumGradient(&p, part, point, last-first, 0, panels, first > begin, &r.pairs[thread])
			}
		}
	})
}

// sumShared returns what sums the products block by block.
func (m *gradientMemory) sumShared(r *run) func() error {
	k := m.kernel
	panels, points, block := k.Panels(m.product.N), k.Points(), m.product.Block
	groups := min(panels, ceil(tuning.GradientParts*r.machine.Threads, points))
	var first, last int // the block's tiles
	transform := r.parallel(ceil(block, tuning.GradientPartTiles), func(part, _ int) {
		p := m.of(0)
		from := min(first+part*tuning.GradientPartTiles, last)
		k.TransformGradient(&p, first, from, min(from+tuning.GradientPartTiles, last))
	})
	multiply := r.parallel(points*groups, func(part, thread int) {
		p := m.of(0)
		point, group := part/groups, part%groups
		k.SumGradient(&p, 0, point, last-first, group*panels/groups, (group+1)*panels/groups, first > 0, &r.pairs[thread])
	})
	return func() error {
		for first = 0; first < m.product.Grid.Tiles; first = last {
			last = min(first+block, m.product.Grid.Tiles)
			if err := transform(); err != nil {
				return err
			}
			if err := multiply(); err != nil {
				return err
			}
		}
		return nil
	}
}
