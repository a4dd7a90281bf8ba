package engine

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/pkg/errors"
)

// A random makes random bits and converts them, as unsigned integers of 32 bits, to
// float32, with the generator of GoMLX's go backend: PCG, whose state is the first two
// numbers of the state's three.
type random struct {
	state, next *value // before and after
	out         *tensor
}

func (o *random) reads() []*tensor  { return nil }
func (o *random) writes() []*tensor { return []*tensor{o.out} }

// lowerRandom takes random bits of which nothing but their conversion is used.
func (l *lowering) lowerRandom(n *node) bool {
	if n.op != compute.OpTypeRNGBitGenerator || n.values[1].shape().DType != dtypes.Uint32 {
		return false
	}
	state := n.inputs[0]
	convert := l.next(n.values[1])
	if convert == nil || convert.op != compute.OpTypeConvertDType || !isFloat32(convert.values[0]) ||
		state.node.op != compute.OpTypeParameter && !l.inBuffer(state) {
		return false
	}
	l.done[convert.index] = true
	l.operations = append(l.operations, &random{state, n.values[0], l.tensor(convert.values[0])})
	return true
}

func (o *random) bind(r *run) func() error {
	return func() error {
		before, err := r.buffer(o.state)
		if err != nil {
			return err
		}
		flat, err := before.Data()
		if err != nil {
			return err
		}
		state := flat.([]uint64)
		generator := rand.NewPCG(state[0], state[1])
		out := o.out.in(r)
		var bits uint64
		for i := range o.out.pixels() * o.out.c {
			if i%2 == 0 {
				bits = generator.Uint64()
			}
			out[i/o.out.c*o.out.pitch+i%o.out.c] = float32(uint32(bits))
			bits >>= 32
		}
		after, next, err := r.program.backend.tail.NewSharedBuffer(0, o.next.shape())
		if err != nil {
			return err
		}
		encoded, err := generator.MarshalBinary()
		if err != nil {
			return errors.WithMessage(err, "cpu: the state of the random generator")
		}
		copy(next.([]uint64), state)
		for i := range 2 {
			// After "pcg:", big endian; the go backend reads them as little endian.
			next.([]uint64)[i] = binary.LittleEndian.Uint64(encoded[4+8*i:])
		}
		r.values[o.next] = after
		return nil
	}
}
