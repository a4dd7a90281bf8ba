package run

import (
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// elementwise interprets the instructions of an elementwise operation tile by tile.
type elementwise struct {
	plain
	o         *plan.Elementwise
	kernels   *kernel.Set
	registers registerPlan
	walk      walk
}

func newElementwise(c *chooser, o *plan.Elementwise) *elementwise {
	return &elementwise{o: o, kernels: c.Kernels, registers: allocate(o)}
}

// The instructions are the algorithm.
func (e *elementwise) algorithm() string { return "" }

func (e *elementwise) needs() needs {
	return needs{
		scratch:   4 * tuning.ElementTile * e.registers.slots,
		shared:    4 * tuning.ElementTile * len(e.o.Operands),
		registers: len(e.o.Operands) + len(e.o.Code),
	}
}

func (e *elementwise) place() { e.walk = walkOf(e.o) }

// walk is how an elementwise walks over its elements: in rows, each in tiles.
type walk struct {
	rows, width int
	period      int // of channels in a row, or 0 where the row is one pixel
	tile        int
}

func walkOf(o *plan.Elementwise) walk {
	pixels, channels := o.Dims[0]*o.Dims[1]*o.Dims[2], o.Dims[3]
	if pixels == 1 {
		return walk{rows: 1, width: channels, tile: tuning.ElementTile}
	}
	stride := o.Results[0].Tensor.Stride()
	byChannels, flat := false, true
	same := func(t *plan.Tensor) { flat = flat && t.Whole().C == t.C && t.Stride() == stride }
	for _, kept := range o.Results {
		same(kept.Tensor)
	}
	for _, operand := range o.Operands {
		switch {
		case operand.Broadcast == plan.ByPixel || operand.Broadcast == plan.ByImage:
			flat = false
		case operand.Broadcast == plan.ByChannel:
			byChannels = true
		case operand.Broadcast == plan.Whole && operand.Tensor != nil:
			same(operand.Tensor)
		case operand.Broadcast == plan.Whole:
			flat = flat && stride == channels
		}
	}
	if !flat || byChannels && stride > tuning.ElementTile {
		return walk{rows: pixels, width: channels, tile: tuning.ElementTile}
	}
	// Tensors of the same layout are one long row, with what lies between their pixels.
	w := walk{rows: 1, width: (pixels-1)*stride + channels, tile: tuning.ElementTile}
	if byChannels {
		w.period, w.tile = stride, tuning.ElementTile/stride*stride
	}
	return w
}

// elements is an elementwise in a run.
type elements struct {
	*elementwise
	views    []view      // by operand, where it is a tensor
	memory   [][]float32 // by operand: where it is, or a tile that is filled with it
	filled   []bool      // by operand: it is the latter
	strides  []int       // by operand
	toViews  []view      // by result
	to       [][]float32
	toStride []int
}

func (e *elementwise) bind(r *run) func() error {
	o := e.o
	s := &elements{
		elementwise: e, views: make([]view, len(o.Operands)), memory: make([][]float32, len(o.Operands)),
		filled: make([]bool, len(o.Operands)), strides: make([]int, len(o.Operands)), to: make([][]float32, len(o.Results)),
	}
	for i, operand := range o.Operands {
		s.strides[i] = o.Dims[3]
		if operand.Tensor != nil {
			s.views[i], s.strides[i] = r.view(operand.Tensor), operand.Tensor.Stride()
		}
		if operand.Broadcast == plan.ByPixel && (operand.Tensor == nil || operand.Tensor.Pixels() == 1) {
			s.strides[i] = 1
		}
		s.filled[i] = operand.Broadcast == plan.Scalar || operand.Broadcast == plan.ByChannel && e.walk.period > 0
		if s.filled[i] {
			s.memory[i] = r.sharedFloats()[i*tuning.ElementTile:][:e.walk.tile]
		}
	}
	for _, kept := range o.Results {
		s.toViews, s.toStride = append(s.toViews, r.view(kept.Tensor)), append(s.toStride, kept.Tensor.Stride())
	}
	tiles := e.walk.rows * ceil(e.walk.width, e.walk.tile)
	parts := min(tuning.ElementParts, ceil(tiles, tuning.ElementPartTiles))
	work := r.parallel(parts, func(part, thread int) {
		registers, scratch := r.registers[thread], r.scratchFloats(thread)
		for at := part * tiles / parts; at < (part+1)*tiles/parts; at++ {
			s.tile(at, registers, scratch)
		}
	})
	return func() error {
		s.begin()
		return work()
	}
}

// begin finds the memory, and fills tiles with what is repeated.
func (s *elements) begin() {
	for i, operand := range s.o.Operands {
		values := operand.Values
		if operand.Tensor != nil {
			values = s.views[i].floats()
		}
		switch {
		case !s.filled[i]:
			s.memory[i] = values
		case operand.Broadcast == plan.Scalar:
			for j := range s.memory[i] {
				s.memory[i][j] = values[0]
			}
		default:
			for at := 0; at < s.walk.tile; at += s.walk.period {
				copy(s.memory[i][at:], values)
			}
		}
	}
	for i, v := range s.toViews {
		s.to[i] = v.floats()
	}
}

// tile computes one tile, with a thread's registers and scratch.
func (s *elements) tile(at int, registers [][]float32, scratch []float32) {
	columns := ceil(s.walk.width, s.walk.tile)
	row, first := at/columns, at%columns*s.walk.tile
	size := min(s.walk.tile, s.walk.width-first)
	slot := func(i int) []float32 { return scratch[i*tuning.ElementTile:][:size] }
	operands := len(s.o.Operands)
	for i, operand := range s.o.Operands {
		switch {
		case s.filled[i]:
			registers[i] = s.memory[i][:size]
		case operand.Broadcast == plan.Whole:
			registers[i] = s.memory[i][row*s.strides[i]+first:][:size]
		case operand.Broadcast == plan.ByChannel:
			registers[i] = s.memory[i][first:][:size]
		case operand.Broadcast == plan.ByImage:
			registers[i] = s.memory[i][row/(s.o.Dims[1]*s.o.Dims[2])*s.strides[i]+first:][:size]
		case operand.Broadcast == plan.ByPixel:
			registers[i] = slot(s.registers.pixel[i])
			for j := range registers[i] {
				registers[i][j] = s.memory[i][row*s.strides[i]]
			}
		}
	}
	for i, c := range s.o.Code {
		var to []float32
		if s.registers.slot[i] >= 0 {
			to = slot(s.registers.slot[i])
		} else {
			kept := s.registers.result[i]
			to = s.to[kept][row*s.toStride[kept]+first:][:size]
		}
		s.kernels.Element(c.Op, to, registers[c.A], registers[c.B], registers[c.C])
		registers[operands+i] = to
	}
	for i, kept := range s.o.Results {
		if s.registers.slot[kept.Register-operands] >= 0 {
			copy(s.to[i][row*s.toStride[i]+first:][:size], registers[kept.Register])
		}
	}
}
