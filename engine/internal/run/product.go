package run

// A product is a convolution as one product of matrices, in whatever precision.
type product interface {
	implementation
	shape() productShape
	// panels is how many panels of columns there are, and together how many of them are
	// used for all rows before the next.
	panels() int
	together() int
	// in returns, for a run, what is done before the product, and what computes a part of it.
	in(r *run) (begin func() error, multiply multiply)
}

// multiply computes some rows of some panels, on a thread.
type multiply func(top, bottom, first, last, thread int)

// bindProduct binds a product that is divided into groups of panels and blocks of rows.
func bindProduct(p product, groups, rows int, r *run) func() error {
	all, panels := p.shape().rows, p.panels()
	blocks := ceil(all, rows)
	begin, multiply := p.in(r)
	work := r.parallel(blocks*groups, func(part, thread int) {
		block, group := part%blocks, part/blocks
		multiply(block*rows, min((block+1)*rows, all), group*panels/groups, (group+1)*panels/groups, thread)
	})
	return func() error {
		if err := begin(); err != nil {
			return err
		}
		return work()
	}
}
