package engine

import (
	"fmt"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/run"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// Name is what the backend is registered under.
const Name = "cpu"

func init() { compute.Register(Name, New) }

// Backend is a compute.Backend for CPUs.
type Backend struct {
	compute.Backend // the go backend: buffers, capabilities
	machine         *run.Machine
	build           func(*plan.Plan) error // runs the passes
	ended           compute.Buffer         // a finalized one: in the place of what was given away
	finalized       atomic.Bool
}

// New returns a backend. The config is empty or a list of options, separated by
// commas:
//
//	threads=N     threads to compute with; GOMAXPROCS when absent
//	streams=N     runs of programs that go on side by side, each on as many of the threads; 1
//	              when absent. Results are the same
//	isa=NAME      instructions: amx, avx512, avxvnni, avx2, generic; the best of the machine
//	              when absent
//	winograd=off  no Winograd's algorithm for convolutions: slower, with a tenth of
//	              the rounding error; where weights are trained, the convolutions of the
//	              forward pass sum in float64, which takes two to three times as long
//	release=on    before packed weights and a large arena are made, give the memory that compiling
//	              it has left back to the system, as debug.FreeOSMemory does: a process
//	              takes hundreds of megabytes less, and pauses for it
func New(config string) (compute.Backend, error) {
	o, err := parseOptions(config)
	if err != nil {
		return nil, err
	}
	b := &Backend{machine: &run.Machine{Winograd: o.winograd, Release: o.release, Kernels: o.kernels}, build: plan.Build}
	if b.Backend, err = gobackend.New("ops_sequential"); err != nil {
		return nil, err
	}
	b.machine.Delegate = b.Backend
	if b.ended, err = b.Backend.BufferFromFlatData(0, []float32{0}, shapes.Make(dtypes.Float32)); err != nil {
		return nil, err
	}
	if err := b.ended.Finalize(); err != nil {
		return nil, err
	}
	b.machine.Divide(o.threads, o.streams)
	return b, nil
}

// Description says which kernels were chosen, and why faster ones that the CPU has cannot be.
func (b *Backend) Description() string {
	note := ""
	switch refused := kernel.Refused(); {
	case b.machine.Kernels.ISA == kernel.Generic:
		note = " (plain Go: slow)"
	case refused != "":
		note = " (" + refused + ")"
	}
	if streams := b.Streams(); streams > 1 {
		note += fmt.Sprintf(", %d streams of", streams)
		return fmt.Sprintf("CPU engine: %s%s %d threads", b.machine.Kernels.ISA, note, b.machine.Threads)
	}
	return fmt.Sprintf("CPU engine: %s%s, %d threads", b.machine.Kernels.ISA, note, b.machine.Threads)
}

// Finalize ends the threads and releases the buffers. Programs of the backend
// return errors afterwards.
func (b *Backend) Finalize() {
	if b.finalized.CompareAndSwap(false, true) {
		b.Backend.Finalize()
		b.machine.Close()
	}
}

// IsFinalized reports whether Finalize was called.
func (b *Backend) IsFinalized() bool { return b.finalized.Load() }

func (b *Backend) Name() string   { return Name }
func (b *Backend) String() string { return Name }

// Instructions names the instruction set of the kernels that were chosen.
func (b *Backend) Instructions() string { return string(b.machine.Kernels.ISA) }

// Arithmetic says what the last digits of results depend on beside the program: the
// instruction set, and where Winograd's algorithm is on the number of threads, by which it is
// chosen.
func (b *Backend) Arithmetic() string {
	if !b.machine.Winograd {
		return b.Instructions() + ", winograd=off"
	}
	return fmt.Sprintf("%s, %d threads", b.Instructions(), b.Threads())
}

// Threads is how many threads compute.
func (b *Backend) Threads() int { return b.machine.Total() }

// Streams is how many runs of programs, by as many goroutines, go on side by side.
func (b *Backend) Streams() int { return b.machine.Streams() }

// Faster reports whether networks whose convolutions multiply values of the type take less
// time than in float32.
func (b *Backend) Faster(d dtypes.DType) bool { return d == dtypes.BFloat16 && b.machine.Mixed() }

// RunsTogether reports that programs of the backend have ExecuteTogether.
func (b *Backend) RunsTogether() bool { return true }

// Builder returns what records a program, whose Compile is the backend's.
func (b *Backend) Builder(name string) compute.Builder {
	return graph.NewBuilder(b.Backend, name, b.compile)
}
