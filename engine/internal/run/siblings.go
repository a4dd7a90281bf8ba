package run

import (
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// family is the products of siblings, whose panels of columns are counted through.
type family struct {
	members      []*direct
	gemm         *kernel.GemmF32
	ends         []int // of each member's panels
	groups, rows int
	tall         int // rows of a walk over the panels
}

func newFamily(c *chooser, o *plan.Siblings) *family {
	f := &family{}
	for _, convolution := range o.Convolutions {
		f.members = append(f.members, newDirect(c, convolution))
	}
	f.gemm = f.members[0].gemm
	return f
}

func (f *family) algorithm() string { return f.members[0].algorithm() }

func (f *family) needs() needs {
	var all needs
	for _, d := range f.members {
		all.packed += d.needs().packed
	}
	return all
}

func (f *family) Workspace() []*plan.Tensor {
	var all []*plan.Tensor
	for _, d := range f.members {
		all = append(all, d.Workspace()...)
	}
	return all
}

func (f *family) place() {
	panels := 0
	for _, d := range f.members {
		d.place()
		panels += f.gemm.Panels(d.product.N)
		f.ends = append(f.ends, panels)
	}
	p := &f.members[0].product
	f.groups, f.rows = divide(p, f.gemm, panels, f.members[0].c.Threads)
	height := f.gemm.Rows(false)
	f.tall = max(1, tuning.PixelBytes/(4*p.K*height)) * height
}

func (f *family) pack(dst []float32) {
	for _, d := range f.members {
		size := d.size()
		d.pack(dst[:size:size])
		dst = dst[size:]
	}
}

func (f *family) bind(r *run) func() error {
	products, at := make([]kernel.ProductF32, len(f.members)), make([]directViews, len(f.members))
	var packs []func() error
	for i, d := range f.members {
		at[i] = d.views(r)
		if d.o.Trained() {
			packs = append(packs, d.packForRun(r))
		}
	}
	p := &f.members[0].product
	blocks, panels := ceil(p.M, f.rows), f.ends[len(f.ends)-1]
	together := f.gemm.Together(p.K)
	multiply := r.parallel(blocks*f.groups, func(part, _ int) {
		block, group := part%blocks, part/blocks
		first, last := group*panels/f.groups, (group+1)*panels/f.groups
		top, bottom := block*f.rows, min((block+1)*f.rows, p.M)
		for ; first < last; first += together {
			for i := top; i < bottom; i += f.tall {
				f.walk(products, i, min(i+f.tall, bottom), first, min(first+together, last))
			}
		}
	})
	return func() error {
		for i := range at {
			products[i] = at[i].product()
		}
		for _, pack := range packs {
			if err := pack(); err != nil {
				return err
			}
		}
		return multiply()
	}
}

// walk computes some rows of some panels.
func (f *family) walk(products []kernel.ProductF32, top, bottom, first, last int) {
	begin := 0
	for i, end := range f.ends {
		if p0, p1 := max(first, begin), min(last, end); p0 < p1 {
			f.gemm.Run(&products[i], top, bottom, p0-begin, p1-begin)
		}
		begin = end
	}
}
