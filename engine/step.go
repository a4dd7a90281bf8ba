package engine

import "github.com/pkg/errors"

// newStep chooses how an operation is computed. Memory has been planned.
func newStep(b *Backend, o operation) (step, error) {
	switch o := o.(type) {
	case *tail:
		return o, nil
	case *convolution:
		if k := b.kernels.Winograd(o.height, o.width); b.winograd && o.worthWinograd(k, b.workers.count) {
			return newWinograd(o, k, b.workers.count), nil
		}
		return newDirect(o, b.kernels.Gemm, b.workers.count), nil
	case *pooling:
		return naivePooling{o}, nil
	case *copying:
		return o, nil
	}
	return nil, errors.Errorf("cpu: no kernel for %T", o)
}

func (o *copying) bind(r *run) func() error {
	from, to := o.in.in(r.arena), o.out.in(r.arena)
	return func() error {
		for i := range o.in.pixels() {
			copy(to[i*o.out.pitch:][:o.in.c], from[i*o.in.pitch:])
		}
		return nil
	}
}

type naivePooling struct{ *pooling }

func (o naivePooling) bind(r *run) func() error {
	in, out := o.in.in(r.arena), o.out.in(r.arena)
	return r.parallel(o.out.n*o.out.h, func(part, _ int) {
		n, y := part/o.out.h, part%o.out.h
		for x := range o.out.w {
			to := out[(part*o.out.w+x)*o.out.pitch:][:o.out.c]
			first := true
			for ky := range o.height {
				sy := y*o.strideY + ky - o.top
				if sy < 0 || sy >= o.in.h {
					continue
				}
				for kx := range o.width {
					sx := x*o.strideX + kx - o.left
					if sx < 0 || sx >= o.in.w {
						continue
					}
					from := in[((n*o.in.h+sy)*o.in.w+sx)*o.in.pitch:][:o.in.c]
					switch {
					case first:
						copy(to, from)
					case o.maximum:
						for i, v := range from {
							to[i] = max(to[i], v)
						}
					default:
						for i, v := range from {
							to[i] += v
						}
					}
					first = false
				}
			}
			if !o.maximum {
				weight := o.weights[y*o.out.w+x]
				for i := range to {
					to[i] *= weight
				}
			}
		}
	})
}
