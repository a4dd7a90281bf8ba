package engine

import (
	"runtime/debug"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A program is a compiled plan.
type program struct {
	backend *Backend
	steps   []step
	names   []string
	shapes  []shapes.Shape // of the inputs
	inputs  []*tensor      // by input: the tensor, in its buffer, or nil
	outputs []output
	arena   int // floats
	scratch int // floats of each thread
	sums    int // float64s for sums over pixels

	operands, registers, slots int // most of an elementwise
	tails                      []*tail

	mutex     sync.Mutex
	free      []*run // memory of runs that have ended
	finalized bool
}

// A step is an operation with its kernel and its places in memory.
type step interface {
	// bind returns what computes the operation in a run's memory, time and again.
	bind(r *run) func() error
}

// A packer is a step whose weights are put into the order of its kernel.
type packer interface {
	constant() bool  // they are packed once, by pack
	packedSize() int // floats
	pack(dst []float32)
}

// pack packs all weights into one piece of memory, on all threads.
func (w *workers) pack(packers []packer) {
	offsets := make([]int, len(packers)+1)
	for i, p := range packers {
		offsets[i+1] = offsets[i] + ceil(p.packedSize(), floatsPerLine)*floatsPerLine
	}
	packed := alignedFloats(offsets[len(packers)])
	w.run(&task{parts: len(packers), do: func(i, _ int) {
		packers[i].pack(packed[offsets[i]:][:packers[i].packedSize()])
	}})
}

// An output is one of: a tensor, a value of a tail or a parameter, a constant.
type output struct {
	shape    shapes.Shape
	tensor   *tensor
	value    *value
	constant any

	buffer int // of the tensor: 1 and its place among a run's buffers, or 0 in the arena
	over   int // 1 and the input in whose buffer it may be, or 0
}

// A run is the memory of one execution.
type run struct {
	program *program
	workers *workers
	arena   []float32
	buffers [][]float32              // of the inputs, then of the outputs
	made    []compute.Buffer         // by output, of the go backend
	scratch [][]float32              // by thread
	sums    []float64                // by block and channel
	pairs   []kernel.GradientScratch // by thread
	// Sums of batch norm, by thread.
	statistics   []kernel.StatisticsF32
	gradientSums []kernel.NormGradientSumsF32
	// Of each thread, for operations element by element: their operands and results,
	// and memory for the results.
	registers [][][]float32
	tiles     [][]float32
	fills     [][]float32 // by operand: a tile of what is repeated
	steps     []func() error
	inputs    []compute.Buffer          // the caller's, of the go backend
	values    map[*value]compute.Buffer // what tails have computed
}

// plan compiles a recorded function.
func plan(b *builder) (*program, error) {
	f := b.main
	l, err := lower(f, func(wanted []*value) ([]any, error) { return foldConstants(f, b.backend.tail, wanted) })
	if err != nil {
		return nil, err
	}
	if err := l.compileTails(b.backend.tail); err != nil {
		return nil, err
	}
	p := &program{backend: b.backend}
	var held []*tensor
	for _, v := range f.outputs {
		o := output{shape: v.shape()}
		switch flat, ok := l.constantOf(v); {
		case ok:
			o.constant = flat
		case v.node.op == compute.OpTypeParameter || l.inBuffer(v):
			o.value = v
		default:
			o.tensor = l.tensors[v]
			held = append(held, o.tensor)
		}
		p.outputs = append(p.outputs, o)
	}
	for i, v := range f.parameters {
		p.names = append(p.names, v.node.attrs.(parameterAttrs).name)
		p.shapes = append(p.shapes, v.shape())
		t := l.tensors[v]
		if t != nil {
			t.buffer = 1 + i
		}
		p.inputs = append(p.inputs, t)
	}
	b.backend.prepare(l.operations)
	projectFirst(l.operations, held)
	l.operations = joinSiblings(computeLate(l.operations, l.again), p.inputs, l.again)
	l.operations = updateEarly(joinElementwise(l.operations, held), p.inputs, held)
	p.placeOutputs()
	p.updateInPlace(l.operations)
	writeOver(l.operations, held)
	p.arena = planMemory(l.operations, held)
	var packers []packer
	for _, o := range l.operations {
		s, err := newStep(b.backend, o)
		if err != nil {
			return nil, err
		}
		p.steps = append(p.steps, s)
		switch o := o.(type) {
		case *normalization:
			p.sums = max(p.sums, sums(o.in))
		case *elementwise:
			p.operands, p.registers = max(p.operands, len(o.operands)), max(p.registers, len(o.operands)+len(o.code))
			p.slots = max(p.slots, o.registers().slots)
		case *reduction:
			p.sums = max(p.sums, sums(o.in))
		case *normalizationGradient:
			p.sums = max(p.sums, sums(o.in))
		}
		if w, ok := s.(packer); ok && w.constant() {
			packers = append(packers, w)
		}
		if w, ok := s.(*winograd); ok {
			p.scratch = max(p.scratch, w.scratch())
		}
		if t, ok := o.(*tail); ok {
			p.tails = append(p.tails, t)
		}
	}
	b.backend.workers.pack(packers)
	b.forget()
	return p, nil
}

func (p *program) Inputs() ([]string, []shapes.Shape) { return p.names, p.shapes }

func (p *program) Outputs() []shapes.Shape {
	all := make([]shapes.Shape, len(p.outputs))
	for i, o := range p.outputs {
		all[i] = o.shape
	}
	return all
}

func (p *program) Finalize() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.finalized {
		return
	}
	p.finalized = true
	p.free, p.steps = nil, nil
	for _, t := range p.tails {
		t.program.Finalize()
	}
}

// largeArena is a size of an arena, in floats, from which on other memory is given back to
// the system first.
const largeArena = 16 << 20

// take returns memory for a run.
func (p *program) take() (*run, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.finalized || p.backend.IsFinalized() {
		return nil, errors.New("cpu: the program or its backend has been finalized")
	}
	if n := len(p.free); n > 0 {
		r := p.free[n-1]
		p.free = p.free[:n-1]
		return r, nil
	}
	if p.arena >= largeArena {
		// Compiling leaves garbage, and memory that it has been in, of hundreds of megabytes.
		debug.FreeOSMemory()
	}
	r := &run{program: p, workers: p.backend.workers, arena: alignedFloats(p.arena), values: map[*value]compute.Buffer{}}
	r.buffers, r.made = make([][]float32, len(p.inputs)+len(p.outputs)), make([]compute.Buffer, len(p.outputs))
	for range r.workers.count {
		r.scratch = append(r.scratch, alignedFloats(p.scratch))
		r.registers = append(r.registers, make([][]float32, p.registers))
		r.tiles = append(r.tiles, alignedFloats(p.slots*tile))
	}
	for range p.operands {
		r.fills = append(r.fills, make([]float32, tile))
	}
	r.sums, r.pairs = make([]float64, p.sums), make([]kernel.GradientScratch, r.workers.count)
	r.statistics = make([]kernel.StatisticsF32, r.workers.count)
	r.gradientSums = make([]kernel.NormGradientSumsF32, r.workers.count)
	for _, s := range p.steps {
		r.steps = append(r.steps, s.bind(r))
	}
	return r, nil
}

// parallel returns a step of a run that does work in parts on all threads.
func (r *run) parallel(parts int, do func(part, thread int)) func() error {
	t := &task{do: do, parts: parts}
	return func() error {
		r.workers.run(t)
		return nil
	}
}

func (p *program) give(r *run) {
	r.inputs = nil
	clear(r.values)
	clear(r.buffers)
	clear(r.made)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.finalized {
		p.free = append(p.free, r)
	}
}

// Execute runs the program. It may be called by several goroutines.
func (p *program) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	inner, err := p.checkInputs(inputs, device)
	if err != nil {
		return nil, err
	}
	r, err := p.take()
	if err != nil {
		return nil, err
	}
	defer p.give(r)
	if err := r.load(inner, donate); err != nil {
		return nil, err
	}
	for _, step := range r.steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	outputs := make([]compute.Buffer, len(p.outputs))
	for i, o := range p.outputs {
		if outputs[i], err = r.output(i, o); err != nil {
			return nil, err
		}
	}
	for i, given := range donate {
		if !given {
			continue
		}
		if slices.Contains(r.made, inner[i]) { // it is an output's
			inputs[i].(*buffer).Buffer = p.backend.ended
		} else if err := inputs[i].Finalize(); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

// load takes the inputs, and the buffers of the outputs: those of inputs that are given
// away where an output can be written over one.
func (r *run) load(inputs []compute.Buffer, donate []bool) error {
	r.inputs = inputs
	for i, t := range r.program.inputs {
		if t == nil {
			continue
		}
		flat, err := inputs[i].Data()
		if err != nil {
			return err
		}
		r.buffers[i] = flat.([]float32)
	}
	for i, o := range r.program.outputs {
		switch {
		case o.buffer == 0:
		case o.over > 0 && o.over <= len(donate) && donate[o.over-1]:
			r.made[i], r.buffers[o.buffer-1] = inputs[o.over-1], r.buffers[o.over-1]
		default:
			made, flat, err := r.program.backend.tail.NewSharedBuffer(0, o.shape)
			if err != nil {
				return err
			}
			r.made[i], r.buffers[o.buffer-1] = made, flat.([]float32)
		}
	}
	return nil
}

func (p *program) checkInputs(inputs []compute.Buffer, device compute.DeviceNum) ([]compute.Buffer, error) {
	if device != 0 {
		return nil, errors.Errorf("cpu: there is only device 0, found %d", device)
	}
	if len(inputs) != len(p.shapes) {
		return nil, errors.Errorf("cpu: the program takes %d inputs, found %d", len(p.shapes), len(inputs))
	}
	inner, err := p.backend.unwrap(inputs)
	if err != nil {
		return nil, err
	}
	for i, b := range inner {
		shape, err := b.Shape()
		if err != nil {
			return nil, err
		}
		if !shape.Equal(p.shapes[i]) {
			return nil, errors.Errorf("cpu: input %q should be %s, found %s", p.names[i], p.shapes[i], shape)
		}
	}
	return inner, nil
}

// output returns a result in a buffer of its own.
func (r *run) output(i int, o output) (compute.Buffer, error) {
	b := r.program.backend
	switch {
	case o.buffer > 0:
		return &buffer{r.made[i], b}, nil
	case o.tensor != nil:
		made, flat, err := b.NewSharedBuffer(0, o.shape)
		if err != nil {
			return nil, err
		}
		o.tensor.store(flat.([]float32), r)
		return made, nil
	case o.constant != nil:
		return b.BufferFromFlatData(0, o.constant, o.shape)
	}
	inner, err := r.buffer(o.value)
	if err != nil {
		return nil, err
	}
	flat, err := inner.Data()
	if err != nil {
		return nil, err
	}
	return b.BufferFromFlatData(0, flat, o.shape)
}

// buffer returns the go backend's buffer of an input or of a tail's output.
func (r *run) buffer(v *value) (compute.Buffer, error) {
	if a, ok := v.node.attrs.(parameterAttrs); ok {
		return r.inputs[a.index], nil
	}
	if b, ok := r.values[v]; ok {
		return b, nil
	}
	return nil, errors.Errorf("cpu: %s has not been computed", v.node.op)
}

func (o *tail) bind(r *run) func() error { return func() error { return o.run(r) } }

// run runs a tail: tensors it reads are copied for the go backend, and those that
// others read of it are copied back.
func (o *tail) run(r *run) error {
	backend := r.program.backend.tail
	in := make([]compute.Buffer, len(o.inputs))
	for i, v := range o.inputs {
		if o.from[i] == nil {
			b, err := r.buffer(v)
			if err != nil {
				return err
			}
			in[i] = b
			continue
		}
		b, flat, err := backend.NewSharedBuffer(0, v.shape())
		if err != nil {
			return err
		}
		o.from[i].store(flat.([]float32), r)
		in[i] = b
	}
	out, err := o.program.Execute(in, nil, 0)
	if err != nil {
		return err
	}
	for i, v := range o.outputs {
		r.values[v] = out[i]
		if o.to[i] == nil {
			continue
		}
		flat, err := out[i].Data()
		if err != nil {
			return err
		}
		o.to[i].load(r, flat.([]float32))
	}
	return nil
}
