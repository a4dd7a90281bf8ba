package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// blockGradient is a gradient of weights of bfloat16 by AMX's tiles: all threads arrange the
// pixels, and then each sums some of the weights' gradients over all of them.
type blockGradient struct {
	plain
	o              *plan.WeightGradient
	kernel         *kernel.GradientBF16
	product        kernel.WeightGradientBF16 // without what is in the arena
	input, output  *plan.Tensor              // memory for what is arranged
	units, columns int                       // that the tasks and the panels are divided into
}

func acceptsBlockGradient(_ *chooser, o *plan.WeightGradient) bool {
	return o.In.DType == dtypes.BFloat16
}

func newBlockGradient(c *chooser, o *plan.WeightGradient) *blockGradient {
	var walk *kernel.Walk
	if !o.Pointwise() {
		walk = c.walkOf(o.Geometry())
	}
	p := kernel.NewGradientPlan(walk, o.Gradient.Pixels(), o.In.C, o.Gradient.C)
	b := &blockGradient{o: o, kernel: c.Kernels.GradientBF16}
	b.product = kernel.WeightGradientBF16{GradientPlan: p, Rounded: o.Rounded, Zero: make([]uint16, max(p.K, p.N))}
	size := dtypes.BFloat16.Size()
	b.input, b.output = plan.Workspace(size*p.InputSize()), plan.Workspace(size*p.GradientSize())

	tasks, panels := p.Tasks(), p.Panels()
	b.units = min(tasks, max(ceil(p.SumsSize(tasks), tuning.GradientSums), tuning.GradientParts*c.Threads))
	b.columns = min(panels, ceil(tuning.GradientParts*c.Threads, b.units))
	return b
}

func (b *blockGradient) algorithm() string { return b.kernel.Name }

func (b *blockGradient) Workspace() []*plan.Tensor { return []*plan.Tensor{b.input, b.output} }

func (b *blockGradient) needs() needs {
	return needs{scratch: b.product.SumsSize(ceil(b.product.Tasks(), b.units))}
}

func (b *blockGradient) place() {
	p, o := &b.product, b.o
	p.LDA, p.LDY, p.LDB = o.In.Stride(), o.Gradient.Stride(), o.To.Stride()
}

func (b *blockGradient) bind(r *run) func() error {
	in, gradient, to, x, y := r.view(b.o.In), r.view(b.o.Gradient), r.view(b.o.To), r.view(b.input), r.view(b.output)
	product := func() *kernel.WeightGradientBF16 {
		p := b.product
		p.A, p.DY, p.DB, p.X, p.Y = in.bits(), gradient.bits(), to.floats(), x.bits(), y.bits()
		return &p
	}
	parts := tuning.PartsPerThread * r.machine.Threads
	arrange := r.parallel(parts, func(part, _ int) { b.kernel.Arrange(product(), part, parts) })
	tasks, panels := b.product.Tasks(), b.product.Panels()
	sum := r.parallel(b.units*b.columns, func(part, thread int) {
		unit, column := part/b.columns, part%b.columns
		b.kernel.Sum(product(), unit*tasks/b.units, (unit+1)*tasks/b.units, column*panels/b.columns, (column+1)*panels/b.columns, r.scratch[thread])
	})
	return func() error {
		if err := arrange(); err != nil {
			return err
		}
		return sum()
	}
}
