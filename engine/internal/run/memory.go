package run

import (
	"unsafe"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A run is the memory of one execution.
type run struct {
	machine   *Machine
	arena     []byte
	inputs    [][]byte         // of those that are tensors
	outputs   [][]byte         // of those that are computed in their buffers
	made      []compute.Buffer // by output: these buffers, of the go backend
	arguments []compute.Buffer // the caller's inputs, of the go backend
	values    map[*plan.Buffered]compute.Buffer

	scratch   [][]byte      // by thread
	registers [][][]float32 // by thread
	shared    []byte
	// What kernels keep of a thread's work, by thread.
	pairs        []kernel.GradientScratch
	statistics   []kernel.StatisticsF32
	gradientSums []kernel.NormGradientSumsF32

	// gather returns the values of all that execute the program together; nil for one alone.
	gather func(own []float32) ([]float32, error)

	operations []func() error
}

func newRun(m *Machine, p *plan.Plan, needs needs) *run {
	r := &run{
		machine: m, arena: inLargePages(p.Arena), shared: aligned(needs.shared),
		inputs: make([][]byte, len(p.Inputs)), outputs: make([][]byte, len(p.Outputs)), made: make([]compute.Buffer, len(p.Outputs)),
		values: map[*plan.Buffered]compute.Buffer{},
		pairs:  make([]kernel.GradientScratch, m.Threads), statistics: make([]kernel.StatisticsF32, m.Threads),
		gradientSums: make([]kernel.NormGradientSumsF32, m.Threads),
	}
	// The threads' scratch is in large pages: what Winograd's algorithm transforms lies in more
	// places, point by point, than there are small pages that are looked up at once.
	apart := plan.Lines(needs.scratch) * tuning.CacheLine
	scratch := inLargePages(m.Threads * apart)
	for thread := range m.Threads {
		r.scratch = append(r.scratch, scratch[thread*apart:][:needs.scratch:needs.scratch])
		r.registers = append(r.registers, make([][]float32, needs.registers))
	}
	return r
}

// forget lets the caller's buffers go.
func (r *run) forget() {
	r.arguments, r.gather = nil, nil
	clear(r.values)
	clear(r.inputs)
	clear(r.outputs)
	clear(r.made)
}

// A view is a tensor's memory in a run, up to the end of its last pixel.
type view struct {
	memory       *[]byte
	offset, size int
}

// view finds a tensor's memory. Where that is a buffer, it is another in each execution.
func (r *run) view(t *plan.Tensor) view {
	offset, size := t.Span()
	switch place := t.Whole().Place.(type) {
	case plan.Input:
		return view{&r.inputs[place.Index], offset, size}
	case plan.Output:
		return view{&r.outputs[place.Index], offset, size}
	case plan.Arena:
		return view{&r.arena, place.Offset + offset, size}
	}
	panic("cpu: " + t.String() + " has no place in memory")
}

// floats is the memory as float32.
func (v view) floats() []float32 { return floats(v.bytes()) }

// bytes is the memory as it is.
func (v view) bytes() []byte { return (*v.memory)[v.offset:][:v.size:v.size] }

// bits is the memory as bfloat16.
func (v view) bits() []uint16 { return bits(v.bytes()) }

// load copies contiguous values into a tensor.
func (r *run) load(t *plan.Tensor, values []byte) {
	to, pitch, width := r.view(t).bytes(), t.Pitch(), t.C*t.DType.Size()
	for i := range t.Pixels() {
		copy(to[i*pitch:][:width], values[i*width:])
	}
}

// store copies a tensor into contiguous values.
func (r *run) store(values []byte, t *plan.Tensor) {
	from, pitch, width := r.view(t).bytes(), t.Pitch(), t.C*t.DType.Size()
	for i := range t.Pixels() {
		copy(values[i*width:][:width], from[i*pitch:])
	}
}

// sharedFloats is memory of all threads together.
func (r *run) sharedFloats() []float32 { return floats(r.shared) }

// sharedDoubles is the same as float64.
func (r *run) sharedDoubles() []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(r.shared))), len(r.shared)/8)
}

// scratchFloats is memory of one thread.
func (r *run) scratchFloats(thread int) []float32 { return floats(r.scratch[thread]) }

// parallel returns work of a run in parts on all threads.
func (r *run) parallel(parts int, do func(part, thread int)) func() error {
	t := &task{do: do, parts: parts}
	return func() error { return r.machine.share(t) }
}

// bytesAt is memory from its first byte.
func bytesAt(first *byte, size int) []byte { return unsafe.Slice(first, size) }

func integers(memory []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory))
}

func words(memory []byte) []int16 {
	return unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/2)
}

func bits(memory []byte) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/2)
}

func floats(memory []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/4)
}

// inLargePages returns zeros whose first byte begins a large page where they are about as
// many as that has.
func inLargePages(size int) []byte {
	if size < tuning.HugePage/2 {
		return aligned(size)
	}
	whole := (size + tuning.HugePage - 1) &^ (tuning.HugePage - 1)
	all := make([]byte, whole+tuning.HugePage)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(all)))) & (tuning.HugePage - 1)
	adviseHugePages(all[skip:][:whole])
	return all[skip:][:size:size]
}

// aligned returns zeros whose first byte begins a cache line, in large pages where the
// system has them.
func aligned(size int) []byte {
	all := make([]byte, size+tuning.CacheLine)
	adviseHugePages(all)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(all)))) & (tuning.CacheLine - 1)
	return all[skip:][:size:size]
}
