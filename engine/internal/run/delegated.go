package run

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// delegated is a part that the go backend runs: tensors that it reads are copied for it,
// and those that others read of it are copied back.
type delegated struct {
	plain
	o *plan.Delegated
}

func newDelegated(_ *chooser, o *plan.Delegated) *delegated { return &delegated{o: o} }

// The operations are the algorithm.
func (d *delegated) algorithm() string { return "" }

func (d *delegated) bind(r *run) func() error {
	return func() error {
		in := make([]compute.Buffer, len(d.o.Inputs))
		for i, source := range d.o.Inputs {
			var err error
			if in[i], err = r.source(source); err != nil {
				return err
			}
		}
		out, err := d.o.Executable.Execute(in, nil, 0)
		if err != nil {
			return err
		}
		for i, sink := range d.o.Outputs {
			r.values[sink.Buffered] = out[i]
			if sink.Tensor == nil {
				continue
			}
			flat, err := out[i].Data()
			if err != nil {
				return err
			}
			r.load(sink.Tensor, dtypes.UnsafeByteSliceFromAny(flat))
		}
		return nil
	}
}

// source returns the buffer of an input of a delegated part.
func (r *run) source(s plan.Source) (compute.Buffer, error) {
	if s.Buffered != nil {
		return r.buffer(s.Buffered)
	}
	made, flat, err := r.machine.Delegate.NewSharedBuffer(0, s.Shape)
	if err != nil {
		return nil, err
	}
	r.store(dtypes.UnsafeByteSliceFromAny(flat), s.Tensor)
	return made, nil
}

// buffer returns the go backend's buffer of an input or of what a delegated part has made.
func (r *run) buffer(b *plan.Buffered) (compute.Buffer, error) {
	if b.Input >= 0 {
		return r.arguments[b.Input], nil
	}
	if made, ok := r.values[b]; ok {
		return made, nil
	}
	return nil, fmt.Errorf("%s has not been computed", b.Name)
}
