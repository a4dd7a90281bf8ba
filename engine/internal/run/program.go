package run

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// A Program is a plan that can be run.
type Program struct {
	machine         *Machine
	plan            *plan.Plan
	implementations []implementation // by operation
	needs           needs            // the most of any
	ready           [][]int          // by operation: the outputs that nothing touches after it

	mutex     sync.Mutex
	free      []*run // that have ended
	running   int    // that have not
	finalized bool
}

// New makes the program of a plan whose passes have run: it packs the constant weights.
func New(m *Machine, p *plan.Plan) (*Program, error) {
	program := &Program{machine: m, plan: p}
	for at, o := range p.Operations {
		chosen, ok := o.Marked().Implementation.(implementation)
		if !ok {
			return nil, fmt.Errorf("cpu: %s has no implementation", p.Name(at))
		}
		if err := program.guard(at, func() error { chosen.place(); return nil }); err != nil {
			return nil, err
		}
		program.implementations = append(program.implementations, chosen)
		n, all := chosen.needs(), &program.needs
		all.scratch, all.shared, all.registers = max(all.scratch, n.scratch), max(all.shared, n.shared), max(all.registers, n.registers)
	}
	program.ready = p.Ready()
	return program, program.pack()
}

// pack packs all constant weights into one piece of memory, on all threads, and holds those
// that another program has already there. Where memory is given back to the system, and they
// become smaller or are integers, which are chosen for their size too, they are packed some
// megabytes at a time, between which those that are packed are given back; else all at once,
// which is faster.
func (p *Program) pack() error {
	var packers, offsets []int // operations, and where their weights begin
	var continuing []int       // those whose weights another has, as a rule
	end, given, integers := 0, 0, false
	for at, i := range p.implementations {
		if size := i.needs().packed; size > 0 {
			if p.plan.Operations[at].Marked().Continues != nil {
				continuing = append(continuing, at)
				continue
			}
			packers, offsets = append(packers, at), append(offsets, end)
			end += plan.Lines(size) * tuning.CacheLine
			floats, bytes := weightBytes(p.plan.Operations[at])
			given, integers = given+floats+bytes, integers || bytes > 0
		}
	}
	step := end
	if p.machine.Release && (end < given || integers) {
		step = tuning.PackedAtOnce
	}
	p.release(end)
	packed, failures := aligned(end), make([]error, len(packers))
	var err error
	for first, last := 0, 0; first < len(packers) && err == nil; first = last {
		for last < len(packers) && (last == first || offsets[last]-offsets[first] < step) {
			last++
		}
		if first > 0 {
			p.release(tuning.LargeMemory) // the weights that are packed
		}
		err = p.machine.share(&task{parts: last - first, do: func(part, _ int) {
			i := first + part
			packer := p.implementations[packers[i]]
			failures[i] = p.guard(packers[i], func() error {
				packer.pack(packed[offsets[i]:][:packer.needs().packed])
				return nil
			})
		}})
	}
	if err := errors.Join(append(failures, err)...); err != nil {
		return err
	}
	parts := make([][]byte, len(packers))
	for i, at := range packers {
		size := p.implementations[at].needs().packed
		parts[i] = packed[offsets[i]:][:size:size]
	}
	holding := map[plan.Operation][]byte{}
	for i, held := range p.machine.shelf.hold(parts) {
		p.implementations[packers[i]].hold(held)
		holding[p.plan.Operations[packers[i]]] = held
	}
	for _, at := range continuing {
		i := p.implementations[at]
		own := aligned(i.needs().packed)
		if err := p.guard(at, func() error { i.pack(own); return nil }); err != nil {
			return err
		}
		// Fewer images may have another algorithm, which packs otherwise.
		if held := holding[p.plan.Operations[at].Marked().Continues]; bytes.Equal(held, own) {
			own = held
		}
		i.hold(own)
	}
	return nil
}

// weightBytes is how many bytes an operation's constant weights are before they are packed, of
// float32 and of integers.
func weightBytes(o plan.Operation) (floats, integers int) {
	switch o := o.(type) {
	case *plan.Convolution:
		return 4 * len(o.Weights), len(o.Integers)
	case *plan.Siblings:
		for _, c := range o.Convolutions {
			f, i := weightBytes(c)
			floats, integers = floats+f, integers+i
		}
	}
	return floats, integers
}

// Plan is what the program computes.
func (p *Program) Plan() *plan.Plan { return p.plan }

// Describe lists the operations, of all images.
func (p *Program) Describe() []plan.Description { return p.joined(p.describe()) }

func (p *Program) describe() []plan.Description {
	all := make([]plan.Description, len(p.implementations))
	for i, o := range p.plan.Operations {
		all[i] = o.Describe()
		if name := p.implementations[i].algorithm(); name != "" {
			all[i].Algorithm = name
		}
		all[i].Bytes = bytesOf(o) + int64(p.implementations[i].needs().packed)
		if m, ok := p.implementations[i].(multiplier); ok {
			all[i].Products, all[i].Done, all[i].Loaded = m.products(p.machine.Kernels.Lanes)
		}
	}
	return all
}

// joined adds to the descriptions of operations what others do for further images, and leaves those
// away.
func (p *Program) joined(all []plan.Description) []plan.Description {
	at := map[plan.Operation]int{} // in what is left
	var left []plan.Description
	for i, o := range p.plan.Operations {
		d := all[i]
		if first := o.Marked().Continues; first != nil {
			to := &left[at[first]]
			to.Input[0], to.Output[0] = to.Input[0]+d.Input[0], to.Output[0]+d.Output[0]
			to.MultiplyAdds, to.Done, to.Loaded = to.MultiplyAdds+d.MultiplyAdds, to.Done+d.Done, to.Loaded+d.Loaded
			to.Bytes, to.Time = to.Bytes+d.Bytes, to.Time+d.Time
			continue
		}
		at[o] = len(left)
		left = append(left, d)
	}
	return left
}

// Finalize releases the memory of runs. Execute returns errors afterwards; runs under way
// end as if it were not called.
func (p *Program) Finalize() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.finalized {
		return
	}
	p.finalized = true
	p.free = nil
	p.end()
}

// end finalizes the delegated parts of a program that is finalized, once nothing runs.
func (p *Program) end() {
	if !p.finalized || p.running > 0 {
		return
	}
	for _, o := range p.plan.Operations {
		if d, ok := o.(*plan.Delegated); ok {
			d.Executable.Finalize()
		}
	}
}

// take returns memory for a run, which is to be given back.
func (p *Program) take() (r *run, err error) {
	machine := p.machine.enter()
	defer func() {
		if err != nil {
			p.machine.leave(machine)
		}
	}()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.finalized {
		return nil, errors.New("cpu: the program has been finalized")
	}
	if n := slices.IndexFunc(p.free, func(r *run) bool { return r.machine == machine }); n >= 0 {
		r := p.free[n]
		p.free = slices.Delete(p.free, n, n+1)
		p.running++
		return r, nil
	}
	p.release(p.plan.Arena)
	r = newRun(machine, p.plan, p.needs)
	for at, i := range p.implementations {
		err := p.guard(at, func() error { r.operations = append(r.operations, i.bind(r)); return nil })
		if err != nil {
			return nil, err
		}
	}
	p.running++
	return r, nil
}

// give takes memory back after a run, for another unless the run failed: what failed may
// have left it in any state.
func (p *Program) give(r *run, err error) {
	r.forget()
	p.machine.leave(r.machine)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.running--
	if !p.finalized && err == nil {
		p.free = append(p.free, r)
	}
	p.end()
}

// release gives what compiling has left back to the system, where that is asked for, before
// memory of so many bytes is made.
func (p *Program) release(before int) {
	if p.machine.Release && before >= tuning.LargeMemory {
		debug.FreeOSMemory()
	}
}

// Execute runs the program on the go backend's buffers, of the shapes of the plan's
// inputs, and returns such buffers: among them inputs that are given away, where an output
// is written over one. It may be called by several goroutines. A panic of what computes an
// operation is an error.
//
// With Calls, of which any may be nil, it tells what it has, and asks for what it needs, while
// it goes on.
func (p *Program) Execute(inputs []compute.Buffer, donate []bool, calls Calls) (outputs []compute.Buffer, err error) {
	r, err := p.take()
	if err != nil {
		return nil, err
	}
	defer func() { p.give(r, err) }()
	r.gather = calls.Gather
	if err := p.load(r, inputs, donate); err != nil {
		return nil, err
	}
	for at := range r.operations {
		if err := p.guard(at, r.operations[at]); err != nil {
			return nil, err
		}
		if calls.Ready != nil {
			for _, i := range p.ready[at] {
				calls.Ready(i, r.outputs[i])
			}
		}
	}
	outputs = make([]compute.Buffer, len(p.plan.Outputs))
	for i := range outputs {
		if outputs[i], err = p.output(r, i); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

// Calls are what an execution calls from its own goroutine.
type Calls struct {
	// Ready is told of each output in a buffer of its own as soon as that has its values: their
	// memory, and its index. Early lists which these are, in that order.
	Ready func(output int, memory []byte)
	// Gather returns the values of all that execute the program together, in an order on which
	// they agree: batch norm normalises by the statistics of all of their images then. All of
	// them call it as often, with as many values.
	Gather func(own []float32) (all []float32, err error)
}

// Early lists the outputs that Execute tells of before it ends, in their order.
func (p *Program) Early() []int { return slices.Concat(p.ready...) }

// Profile runs the program several times and returns its operations with the median of
// the time that each takes. It writes over its inputs.
func (p *Program) Profile(inputs []compute.Buffer, runs int) (all []plan.Description, err error) {
	r, err := p.take()
	if err != nil {
		return nil, err
	}
	defer func() { p.give(r, err) }()
	all = p.describe()
	times := make([][]time.Duration, len(all))
	for range runs {
		if err := p.load(r, inputs, slices.Repeat([]bool{true}, len(inputs))); err != nil {
			return nil, err
		}
		for at := range r.operations {
			start := time.Now()
			if err := p.guard(at, r.operations[at]); err != nil {
				return nil, err
			}
			times[at] = append(times[at], time.Since(start))
		}
	}
	for i := range all {
		slices.Sort(times[i])
		all[i].Time = times[i][len(times[i])/2]
	}
	return p.joined(all), nil
}

// guard does something for an operation, and says which it was if that fails or panics.
func (p *Program) guard(at int, do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil {
			err = p.failed(at, err)
		}
	}()
	return do()
}

// failed says which operation an error is of.
func (p *Program) failed(at int, err error) error {
	var panicked *PanicError
	if errors.As(err, &panicked) {
		panicked.Operation = p.plan.Name(at)
		return err
	}
	return fmt.Errorf("cpu: %s: %w", p.plan.Name(at), err)
}

// load takes the inputs, and the buffers of the outputs: those of inputs that are given
// away where an output can be written over one.
func (p *Program) load(r *run, inputs []compute.Buffer, donate []bool) error {
	r.arguments = inputs
	for i, in := range p.plan.Inputs {
		if in.Tensor == nil {
			continue
		}
		flat, err := inputs[i].Data()
		if err != nil {
			return err
		}
		r.inputs[i] = dtypes.UnsafeByteSliceFromAny(flat)
	}
	for i, o := range p.plan.Outputs {
		if !p.plan.InOwnBuffer(i) {
			continue
		}
		if over, ok := p.over(i); ok && over < len(donate) && donate[over] {
			r.made[i], r.outputs[i] = inputs[over], r.inputs[over]
			continue
		}
		made, flat, err := p.machine.Delegate.NewSharedBuffer(0, o.Shape)
		if err != nil {
			return err
		}
		r.made[i], r.outputs[i] = made, dtypes.UnsafeByteSliceFromAny(flat)
	}
	return nil
}

// over returns the input in whose buffer an output may be.
func (p *Program) over(output int) (input int, ok bool) {
	place := p.plan.Outputs[output].Tensor.Place.(plan.Output)
	if place.Over == nil {
		return 0, false
	}
	return place.Over.Place.(plan.Input).Index, true
}

// output returns a result in a buffer of its own.
func (p *Program) output(r *run, i int) (compute.Buffer, error) {
	o := p.plan.Outputs[i]
	switch {
	case r.made[i] != nil:
		return r.made[i], nil
	case o.Tensor != nil:
		made, flat, err := p.machine.Delegate.NewSharedBuffer(0, o.Shape)
		if err != nil {
			return nil, err
		}
		r.store(dtypes.UnsafeByteSliceFromAny(flat), o.Tensor)
		return made, nil
	case o.Constant != nil:
		return p.machine.Delegate.BufferFromFlatData(0, o.Constant, o.Shape)
	}
	from, err := r.buffer(o.Buffered)
	if err != nil {
		return nil, err
	}
	flat, err := from.Data()
	if err != nil {
		return nil, err
	}
	return p.machine.Delegate.BufferFromFlatData(0, flat, o.Shape)
}
