package engine

import (
	"github.com/pkg/errors"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// newStep chooses how an operation is computed. Memory has been planned.
func newStep(b *Backend, o operation) (step, error) {
	switch o := o.(type) {
	case *tail:
		return o, nil
	case *convolution:
		return b.choose(o), nil
	case *siblings:
		return newFamily(o, b.gemmFor(o.convolutions[0]), b.workers.count), nil
	case *pooling:
		return newPool(o, b.kernels), nil
	case *poolingGradient:
		return newPooled(o, b.kernels, b.workers.count), nil
	case *copying:
		return o, nil
	case *padding:
		return o, nil
	case *reshaping:
		return o, nil
	case *weightGradient:
		if o.algorithm != nil {
			return o.algorithm, nil
		}
		return newSummed(o, b.kernels.Gradient, b.workers.count), nil
	case *elementwise:
		return o, nil
	case *reduction:
		return o, nil
	case *random:
		return o, nil
	case *normalization:
		return o, nil
	case *normalizationGradient:
		return o, nil
	}
	return nil, errors.Errorf("cpu: no kernel for %T", o)
}

// A convolver is a convolution with its algorithm.
type convolver interface {
	step
	packer
}

// choose returns a convolution with the algorithm that is the fastest for its shape.
func (b *Backend) choose(o *convolution) convolver {
	if k := b.winogradFor(o); k != nil {
		return newWinograd(o, k, b.workers.count)
	}
	if o.hasPhases() {
		return newPhased(o, b.kernels.Gemm, b.workers.count)
	}
	return newDirect(o, b.gemmFor(o), b.workers.count)
}

// gemmFor returns the kernel of a direct convolution. Without Winograd's algorithm, what
// is asked for is little rounding, and where weights are trained all that matters of it is
// in the forward pass: it decides on which side of ReLU's step values near zero fall, and
// with that which gradients there are.
func (b *Backend) gemmFor(o *convolution) *kernel.GemmF32 {
	if !b.winograd && o.kernel != nil && !o.transposed {
		return b.kernels.GemmWide
	}
	return b.kernels.Gemm
}

// winogradFor returns the kernel of Winograd's algorithm for a convolution, or nil where
// that is not to be used.
func (b *Backend) winogradFor(o *convolution) *kernel.WinogradF32 {
	if k := b.kernels.Winograd(o.height, o.width); b.winograd && o.worthWinograd(k, b.workers.count) {
		return k
	}
	return nil
}

// prepare gives convolutions what they share, the memory that trained weights are packed
// in, and that of their gradients.
func (b *Backend) prepare(operations []operation) {
	tables := newTables()
	for _, o := range operations {
		switch o := o.(type) {
		case *weightGradient:
			o.geometry.tables = tables
			if k := b.kernels.Winograd(o.geometry.height, o.geometry.width); b.winograd && o.worthWinograd(k) {
				o.algorithm = newWinogradGradient(o, k, b.workers.count)
				o.scratch = o.algorithm.memory()
			}
		case *pooling:
			o.tables = tables
		case *poolingGradient:
			o.tables = tables
		case *convolution:
			if o.tables = tables; o.kernel != nil {
				o.packed = &tensor{n: 1, h: 1, w: ceil(b.packedSize(o), floatsPerLine), c: floatsPerLine}
			}
		}
	}
}

// packedSize is how many floats the weights of a convolution are in the order of its
// algorithm.
func (b *Backend) packedSize(o *convolution) int {
	if k := b.winogradFor(o); k != nil {
		return k.PackedSize(o.in.c, o.out.c)
	}
	return b.kernels.Gemm.PackedSize(o.height*o.width, o.in.c, o.out.c)
}

func (o *copying) bind(r *run) func() error {
	return func() error {
		from, to := o.in.in(r), o.out.in(r)
		for i := range o.in.pixels() {
			copy(to[i*o.out.pitch:][:o.in.c], from[i*o.in.pitch:])
		}
		return nil
	}
}
