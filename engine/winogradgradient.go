package engine

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// winogradGradient is a weightGradient by Winograd's algorithm, in blocks of tiles. Each
// thread has blocks and sums of its own where these are few; otherwise all threads
// transform a block, and then multiply it.
type winogradGradient struct {
	*weightGradient
	algorithm   *kernel.WinogradF32
	product     kernel.ConvolutionGradientF32 // without what is in the arena
	blocks      int                           // that there is memory for
	tiles, sums int                           // floats of a block and of the sums, whole cache lines
}

// As measured on the networks' layers: what a block may take if a thread has its own, so
// that it stays in a level-2 cache, the sums then, and the tiles that make up for sums of
// one's own; a thread's share of a block of all threads, and that block at most.
const (
	ownBlock    = 512 << 10 / 4 // floats
	ownSums     = 512 << 10 / 4
	ownTiles    = 64
	sharedBlock = 2 << 20 / 4
	mostShared  = 4 << 20 / 4
	mostSums    = 12 << 20 / 4 // of memory that nothing else has need of
)

// worthWinograd reports whether the algorithm is faster than a direct sum, by a model of
// what was measured for maps of 8 to 147 pixels and 16 to 512 channels: a transformed
// value costs as much as 20 multiply-adds, and the sums as much as 64 tiles.
func (o *weightGradient) worthWinograd(k *kernel.WinogradF32) bool {
	const valueCost, sumsCost = 20, 64
	g := o.geometry
	if k == nil || g.strideY != 1 || g.strideX != 1 || g.spreadY != 1 || g.spreadX != 1 || g.holeY != 1 || g.holeX != 1 {
		return false
	}
	in, out := g.in.c, g.out.c
	tiles := k.Tiles(g.out.n, g.out.h, g.out.w)
	return k.GradientSums(in, out, 1) <= mostSums &&
		k.Points()*(tiles*(in*out+valueCost*(in+out))+sumsCost*in*out) < g.height*g.width*g.out.pixels()*in*out
}

func newWinogradGradient(o *weightGradient, k *kernel.WinogradF32, threads int) *winogradGradient {
	w := &winogradGradient{weightGradient: o, algorithm: k, blocks: 1}
	g, p := o.geometry, &w.product
	p.Grid = g.tables.grid(k, g)
	p.K, p.N = g.in.c, g.out.c
	p.Zero = make([]float32, max(p.K, p.N))
	most := min(sharedBlock*threads, mostShared)
	if k.GradientSums(p.K, p.N, 1) <= ownSums && p.Grid.Tiles >= ownTiles*threads {
		w.blocks, most = threads, ownBlock
	}
	p.Parts = w.blocks
	// Blocks of equal size.
	tiles := ceil(p.Grid.Tiles, p.Parts)
	p.Block = ceil(tiles, ceil(tiles, max(1, most/k.GradientTiles(p.K, p.N, 1))))
	p.ToTaps = k.GradientTaps(p.Parts)
	whole := func(floats int) int { return ceil(floats, floatsPerLine) * floatsPerLine }
	w.tiles, w.sums = whole(k.GradientTiles(p.K, p.N, p.Block)), whole(k.GradientSums(p.K, p.N, p.Parts))
	return w
}

// memory is what the sums and then the blocks are in.
func (w *winogradGradient) memory() *tensor {
	return &tensor{n: 1, h: 1, w: (w.sums + w.blocks*w.tiles) / floatsPerLine, c: floatsPerLine}
}

// in is the product in a run, with one of the blocks.
func (w *winogradGradient) in(r *run, block int) kernel.ConvolutionGradientF32 {
	p, g := w.product, w.geometry
	p.X, p.Pitch = g.in.in(r), g.in.pitch
	p.DY, p.PitchY = g.out.in(r), g.out.pitch
	p.DB, p.LDB = w.to.in(r), w.to.pitch
	memory := w.scratch.in(r)
	p.Sums, p.V = memory[:w.sums], memory[w.sums+block*w.tiles:][:w.tiles]
	return p
}

func (w *winogradGradient) bind(r *run) func() error {
	const rows = 32 // that a part transforms to the taps
	groups := ceil(w.product.K, rows)
	finish := r.parallel(w.algorithm.Panels(w.product.N)*groups, func(at, _ int) {
		p := w.in(r, 0)
		panel, first := at/groups, at%groups*rows
		w.algorithm.FinishGradient(&p, panel, first, min(first+rows, p.K))
	})
	sum := w.bindShared(r)
	if w.blocks > 1 {
		sum = w.bindOwn(r)
	}
	return func() error {
		if err := sum(); err != nil {
			return err
		}
		return finish()
	}
}

// bindOwn returns what sums the products of each part of the tiles in one go.
func (w *winogradGradient) bindOwn(r *run) func() error {
	panels, points := w.algorithm.Panels(w.product.N), w.algorithm.Points()
	return r.parallel(w.product.Parts, func(part, thread int) {
		p := w.in(r, part)
		begin, end := part*p.Grid.Tiles/p.Parts, (part+1)*p.Grid.Tiles/p.Parts
		for first := begin; first < end; first += p.Block {
			last := min(first+p.Block, end)
			w.algorithm.TransformGradient(&p, first, first, last)
			for point := range points {
				w.algorithm.SumGradient(&p, part, point, last-first, 0, panels, first > begin, &r.pairs[thread])
			}
		}
	})
}

// bindShared returns what sums the products block by block.
func (w *winogradGradient) bindShared(r *run) func() error {
	const tilesPerPart, partsPerThread = 8, 4
	panels, points, block := w.algorithm.Panels(w.product.N), w.algorithm.Points(), w.product.Block
	groups := min(panels, ceil(partsPerThread*r.workers.count, points))
	var first, last int // the block's tiles
	transform := r.parallel(ceil(block, tilesPerPart), func(part, _ int) {
		p := w.in(r, 0)
		from := min(first+part*tilesPerPart, last)
		w.algorithm.TransformGradient(&p, first, from, min(from+tilesPerPart, last))
	})
	multiply := r.parallel(points*groups, func(part, thread int) {
		p := w.in(r, 0)
		point, group := part/groups, part%groups
		w.algorithm.SumGradient(&p, 0, point, last-first, group*panels/groups, (group+1)*panels/groups, first > 0, &r.pairs[thread])
	})
	return func() error {
		for first = 0; first < w.product.Grid.Tiles; first = last {
			last = min(first+block, w.product.Grid.Tiles)
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
