package run

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// random makes the bits of the go backend's generator, in the caller's thread.
type random struct {
	plain
	o *plan.Random
}

func newRandom(_ *chooser, o *plan.Random) *random { return &random{o: o} }

func (g *random) algorithm() string { return "PCG" }

func (g *random) bind(r *run) func() error {
	o := g.o
	view, channels, stride := r.view(o.Out), o.Out.C, o.Out.Stride()
	return func() error {
		before, err := r.buffer(o.State)
		if err != nil {
			return err
		}
		flat, err := before.Data()
		if err != nil {
			return err
		}
		state := flat.([]uint64)
		generator := rand.NewPCG(state[0], state[1])
		out := view.floats()
		var bits uint64
		for i := range o.Out.Pixels() * channels {
			if i%2 == 0 {
				bits = generator.Uint64()
			}
			out[i/channels*stride+i%channels] = float32(uint32(bits))
			bits >>= 32
		}
		after, next, err := r.machine.Delegate.NewSharedBuffer(0, o.Next.Shape)
		if err != nil {
			return err
		}
		encoded, err := generator.MarshalBinary()
		if err != nil {
			return fmt.Errorf("the state of the random generator: %w", err)
		}
		copy(next.([]uint64), state)
		for i := range 2 {
			// After "pcg:", big endian; the go backend reads them as little endian.
			next.([]uint64)[i] = binary.LittleEndian.Uint64(encoded[4+8*i:])
		}
		r.values[o.Next] = after
		return nil
	}
}
