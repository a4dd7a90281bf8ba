package engine

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// Siblings are convolutions of the same single pixels. Computed together they read each
// pixel once.
type siblings struct{ convolutions []*convolution }

func (o *siblings) reads() []*tensor {
	all := []*tensor{o.convolutions[0].in}
	for _, c := range o.convolutions {
		all = append(all, present([]*tensor{c.kernel})...)
	}
	return all
}

func (o *siblings) writes() []*tensor {
	var all []*tensor
	for _, c := range o.convolutions {
		all = append(all, c.writes()...)
	}
	return all
}

// simple reports whether a convolution is a product of single pixels and weights.
func (o *convolution) simple() bool { return o.pointwise() && o.residual == nil }

// joinSiblings puts convolutions that are siblings in the place of the first of them, if
// their weights are there: they are constant, or among the inputs. What is computed again
// for gradients is not to be computed with what was the first time.
func joinSiblings(operations []operation, inputs []*tensor, again map[operation]bool) []operation {
	var joined []operation
	input := map[*tensor]bool{}
	for _, t := range inputs {
		input[t] = true
	}
	type kind struct {
		in             *tensor
		trained, again bool
	}
	first := map[kind]int{} // index in joined
	for _, o := range operations {
		c, ok := o.(*convolution)
		if !ok || !c.simple() || c.kernel != nil && !input[c.kernel] {
			joined = append(joined, o)
			continue
		}
		of := kind{c.in, c.kernel != nil, again[o]}
		at, ok := first[of]
		if !ok {
			first[of] = len(joined)
			joined = append(joined, o)
			continue
		}
		switch before := joined[at].(type) {
		case *convolution:
			joined[at] = &siblings{[]*convolution{before, c}}
		case *siblings:
			before.convolutions = append(before.convolutions, c)
		}
	}
	return joined
}

// family is the products of siblings, whose panels of columns are counted through.
type family struct {
	*siblings
	members      []*direct
	ends         []int // of each member's panels
	groups, rows int
	tall         int // rows of a walk over the panels
}

// pixelBytes is how much of the pixels stays in a level-2 cache, beside the weights.
const pixelBytes = 128 << 10

func newFamily(o *siblings, gemm *kernel.GemmF32, threads int) *family {
	f := &family{siblings: o}
	panels := 0
	for _, c := range o.convolutions {
		d := newDirect(c, gemm, threads)
		panels += gemm.Panels(d.product.N)
		f.members, f.ends = append(f.members, d), append(f.ends, panels)
	}
	p := &f.members[0].product
	f.groups, f.rows = divide(p, gemm, panels, threads)
	height := gemm.Rows(false)
	f.tall = max(1, pixelBytes/(4*p.K*height)) * height
	return f
}

func (f *family) constant() bool { return f.members[0].constant() }

func (f *family) packedSize() int {
	size := 0
	for _, d := range f.members {
		size += d.packedSize()
	}
	return size
}

func (f *family) pack(dst []float32) {
	for _, d := range f.members {
		size := d.packedSize()
		d.pack(dst[:size:size])
		dst = dst[size:]
	}
}

func (f *family) bind(r *run) func() error {
	products := make([]kernel.ProductF32, len(f.members))
	for i, d := range f.members {
		products[i] = d.product
	}
	gemm, p := f.members[0].gemm, &f.members[0].product
	blocks, panels := ceil(p.M, f.rows), f.ends[len(f.ends)-1]
	together := gemm.Together(p.K)
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
	var packs []func() error
	for _, d := range f.members {
		if d.kernel != nil {
			packs = append(packs, d.packForRun(r))
		}
	}
	return func() error {
		for i, d := range f.members {
			products[i].A, products[i].C = d.in.in(r), d.out.in(r)
			if d.kernel != nil {
				products[i].B = d.packed.in(r)
			}
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
			f.members[i].gemm.Run(&products[i], top, bottom, p0-begin, p1-begin)
		}
		begin = end
	}
}

// describe is what the siblings are as one convolution.
func (f *family) describe() Step {
	s := describeConvolution(f.convolutions[0])
	for _, c := range f.convolutions[1:] {
		s.Output[3] += c.out.c
		s.MultiplyAdds += describeConvolution(c).MultiplyAdds
	}
	s.Algorithm = "direct " + f.members[0].gemm.Name
	return s
}
