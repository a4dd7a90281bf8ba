package engine

import (
	"errors"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/lower"
	"github.com/seed-fb2c0fa6/inception/engine/internal/run"
)

// compile makes the program of what was recorded: nodes become operations, passes order
// them and divide the memory, and each gets its implementation. Programs without
// convolutions and sums, and those with functions beside main, are left to the go backend as
// they are. Sums are the engine's also where nothing is convolved, so that an optimiser
// rounds alike in a program of its own and at the end of a step.
func (b *Backend) compile(recorded *graph.Builder) (compute.Executable, error) {
	if b.IsFinalized() {
		return nil, errors.New("cpu: the backend has been finalized")
	}
	if recorded.Opaque() || !recorded.Has(compute.OpTypeConvGeneral) && !(recorded.Has(compute.OpTypeReduceSum) && recorded.Static()) {
		return b.delegate(recorded)
	}
	if err := recorded.CheckSizes(); err != nil {
		return nil, err
	}
	p, err := lower.Lower(recorded.Recorded(), b.Backend, lower.BF16{Mixed: b.machine.Mixed(), Trained: b.machine.MixedTraining(), Gradients: b.machine.MixedGradients()})
	if err != nil {
		return nil, err
	}
	recorded.Forget()
	p.Choose, p.Caches = b.machine.Choose(), b.machine.Caches()
	if err := b.build(p); err != nil {
		return nil, err
	}
	program, err := run.New(b.machine, p)
	if err != nil {
		return nil, err
	}
	return &executable{backend: b, program: program}, nil
}
