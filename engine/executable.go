package engine

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/run"
)

// executable is a program of this backend, for GoMLX: it takes and returns this backend's
// buffers.
type executable struct {
	backend *Backend
	program *run.Program
}

// A PanicError is a panic of what computes an operation, in whichever thread. Execute
// returns it; the backend and its programs go on working.
type PanicError = run.PanicError

func (e *executable) Inputs() (names []string, all []shapes.Shape) {
	for _, in := range e.program.Plan().Inputs {
		names, all = append(names, in.Name), append(all, in.Shape)
	}
	return names, all
}

func (e *executable) Outputs() []shapes.Shape {
	var all []shapes.Shape
	for _, o := range e.program.Plan().Outputs {
		all = append(all, o.Shape)
	}
	return all
}

func (e *executable) Finalize() { e.program.Finalize() }

// Execute runs the program. It may be called by several goroutines. Inputs that are given
// away are not to be used again, also after an error: they may be written over by then.
func (e *executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	return e.execute(inputs, donate, device, run.Calls{})
}

// Early lists outputs of float32 that ExecuteTogether tells of before it ends, in that order. It
// is that of the program, which need not be that of another machine.
func (e *executable) Early() []int {
	outputs := e.program.Plan().Outputs
	return slices.DeleteFunc(e.program.Early(), func(i int) bool { return outputs[i].Shape.DType != dtypes.Float32 })
}

// Gathers lists what ExecuteTogether calls gather for, in that order: all that run the program
// together have to have the same list. It is an error where the program has batch norm of a
// batch that cannot be computed together.
func (e *executable) Gathers() ([]int, error) { return e.program.Gathers() }

// ExecuteTogether is Execute of a program that others may run too, each with other images. It
// calls, from the caller's goroutine, what is not nil:
//
// ready, for each output that Early lists, with its values, as soon as nothing of the program
// touches them any more. They may be changed from then on, by other goroutines too, also after
// ExecuteTogether has returned: the output's buffer has the same memory.
//
// gather, which returns the values of all that run the program, of which each has as many, in
// an order on which they agree. Batch norm of a batch, and its gradient, are then those of all
// of their images. An error of it is the execution's.
func (e *executable) ExecuteTogether(inputs []compute.Buffer, donate []bool, device compute.DeviceNum, ready func(output int, values []float32), gather func(own []float32) (all []float32, err error)) ([]compute.Buffer, error) {
	calls := run.Calls{Gather: gather}
	if outputs := e.program.Plan().Outputs; ready != nil {
		calls.Ready = func(output int, memory []byte) {
			if outputs[output].Shape.DType == dtypes.Float32 {
				ready(output, unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/4))
			}
		}
	}
	return e.execute(inputs, donate, device, calls)
}

func (e *executable) execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum, calls run.Calls) ([]compute.Buffer, error) {
	inner, err := e.check(inputs, device)
	if err != nil {
		return nil, err
	}
	if len(donate) > 0 && len(donate) != len(inputs) {
		return nil, fmt.Errorf("cpu: which inputs are given away should be said of all %d or of none, found %d", len(inputs), len(donate))
	}
	made, err := e.program.Execute(inner, donate, calls)
	if err != nil {
		return nil, err
	}
	for i, given := range donate {
		if !given {
			continue
		}
		if slices.Contains(made, inner[i]) { // it is an output's
			inputs[i].(*buffer).Buffer = e.backend.ended
		} else if err := inputs[i].Finalize(); err != nil {
			return nil, err
		}
	}
	for i, b := range made {
		made[i] = &buffer{b, e.backend}
	}
	return made, nil
}

// check returns the go backend's buffers of inputs, if they are what the program takes.
func (e *executable) check(inputs []compute.Buffer, device compute.DeviceNum) ([]compute.Buffer, error) {
	if e.backend.IsFinalized() {
		return nil, errors.New("cpu: the backend has been finalized")
	}
	if device != 0 {
		return nil, fmt.Errorf("cpu: there is only device 0, found %d", device)
	}
	wanted := e.program.Plan().Inputs
	if len(inputs) != len(wanted) {
		return nil, fmt.Errorf("cpu: the program takes %d inputs, found %d", len(wanted), len(inputs))
	}
	inner, err := e.backend.unwrap(inputs)
	if err != nil {
		return nil, err
	}
	for i, b := range inner {
		shape, err := b.Shape()
		if err != nil {
			return nil, err
		}
		if !shape.Equal(wanted[i].Shape) {
			return nil, fmt.Errorf("cpu: input %q should be %s, found %s", wanted[i].Name, wanted[i].Shape, shape)
		}
	}
	return inner, nil
}
