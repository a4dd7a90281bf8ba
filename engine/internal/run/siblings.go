package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// family is the products of siblings, whose panels of columns are counted through.
type family struct {
	members      []product
	threads      int
	ends         []int // of each member's panels
	groups, rows int
	tall         int // rows of a walk over the panels
}

func newFamily(c *chooser, o *plan.Siblings) *family {
	f := &family{threads: c.Threads}
	for _, convolution := range o.Convolutions {
		f.members = append(f.members, newDirect(c, convolution))
	}
	return f
}

func newFamilyBF16(c *chooser, o *plan.Siblings) *family {
	f := &family{threads: c.Threads}
	for _, convolution := range o.Convolutions {
		f.members = append(f.members, newDirectBF16(c, convolution))
	}
	return f
}

func acceptsTrainedFamilyBF16(c *chooser, o *plan.Siblings) bool {
	return acceptsTrainedBF16(c, o.Convolutions[0])
}

func newTrainedFamilyBF16(c *chooser, o *plan.Siblings) *family {
	f := &family{threads: c.Threads}
	for _, convolution := range o.Convolutions {
		f.members = append(f.members, newTrainedBF16(c, convolution))
	}
	return f
}

func acceptsFamilyI8(_ *chooser, o *plan.Siblings) bool {
	return o.Convolutions[0].In.DType == dtypes.Uint8
}

func newFamilyI8(c *chooser, o *plan.Siblings) *family {
	f := &family{threads: c.Threads}
	for _, convolution := range o.Convolutions {
		f.members = append(f.members, newDirectI8(c, convolution))
	}
	return f
}

func (f *family) algorithm() string { return f.members[0].algorithm() }

func (f *family) needs() needs {
	var all needs
	for _, m := range f.members {
		n := m.needs()
		all.packed, all.scratch = all.packed+n.packed, max(all.scratch, n.scratch)
	}
	return all
}

func (f *family) Workspace() []*plan.Tensor {
	var all []*plan.Tensor
	for _, m := range f.members {
		all = append(all, m.Workspace()...)
	}
	return all
}

func (f *family) place() {
	panels := 0
	for _, m := range f.members {
		m.place()
		panels += m.panels()
		f.ends = append(f.ends, panels)
	}
	s := f.members[0].shape()
	f.groups, f.rows = divide(s, panels, f.threads)
	f.tall = max(1, tuning.PixelBytes/(4*s.pixel*s.height)) * s.height
}

func (f *family) pack(dst []byte) {
	for _, m := range f.members {
		size := m.needs().packed
		m.pack(dst[:size:size])
		dst = dst[size:]
	}
}

func (f *family) hold(packed []byte) {
	for _, m := range f.members {
		size := m.needs().packed
		m.hold(packed[:size:size])
		packed = packed[size:]
	}
}

func (f *family) bind(r *run) func() error {
	begins, each := make([]func() error, len(f.members)), make([]multiply, len(f.members))
	for i, m := range f.members {
		begins[i], each[i] = m.in(r)
	}
	all := f.members[0].shape().rows
	blocks, panels := ceil(all, f.rows), f.ends[len(f.ends)-1]
	together := f.members[0].together()
	work := r.parallel(blocks*f.groups, func(part, thread int) {
		block, group := part%blocks, part/blocks
		first, last := group*panels/f.groups, (group+1)*panels/f.groups
		top, bottom := block*f.rows, min((block+1)*f.rows, all)
		for ; first < last; first += together {
			for i := top; i < bottom; i += f.tall {
				f.walk(each, i, min(i+f.tall, bottom), first, min(first+together, last), thread)
			}
		}
	})
	return func() error {
		for _, begin := range begins {
			if err := begin(); err != nil {
				return err
			}
		}
		return work()
	}
}

// walk computes some rows of some panels.
func (f *family) walk(each []multiply, top, bottom, first, last, thread int) {
	begin := 0
	for i, end := range f.ends {
		if p0, p1 := max(first, begin), min(last, end); p0 < p1 {
			each[i](top, bottom, p0-begin, p1-begin, thread)
		}
		begin = end
	}
}
