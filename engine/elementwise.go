package engine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// An elementwise computes each element of its results from the same elements of its
// operands, in one pass over memory however many operations that takes. Truth values
// are 1 and 0.
type elementwise struct {
	pixels   [4]int // n, height, width, channels of the results
	operands []operand
	code     []instruction
	results  []result
}

// An operand is a tensor or constants.
type operand struct {
	tensor *tensor   // or nil
	values []float32 // dense
	spread spread
}

// A spread is how the values of an operand are repeated in the elements.
type spread int

const (
	whole     spread = iota // not at all
	byChannel               // one for each channel
	byPixel                 // one for each pixel
	byImage                 // one for each image and channel
	single                  // one
)

// An instruction computes a register, which are numbered after the operands, from
// registers.
type instruction struct {
	op      kernel.ElementOp
	a, b, c int
}

func (c instruction) operands() []int { return []int{c.a, c.b, c.c}[:c.op.Operands()] }

// A result is a register that is kept.
type result struct {
	register int
	tensor   *tensor
	over     int // 1 and the operand in whose memory it may be, or 0
}

func (o *elementwise) reads() []*tensor {
	var all []*tensor
	for _, operand := range o.operands {
		all = append(all, operand.tensor)
	}
	return present(all)
}

func (o *elementwise) writes() []*tensor {
	var all []*tensor
	for _, r := range o.results {
		all = append(all, r.tensor)
	}
	return all
}

// elementary lists the operations that are computed element by element.
var elementary = map[compute.OpType]kernel.ElementOp{
	compute.OpTypeAdd: kernel.Add, compute.OpTypeSub: kernel.Sub, compute.OpTypeMul: kernel.Mul, compute.OpTypeDiv: kernel.Div,
	compute.OpTypeMax: kernel.Max, compute.OpTypeMin: kernel.Min,
	compute.OpTypeSign: kernel.Sign, compute.OpTypeNeg: kernel.Neg, compute.OpTypeSqrt: kernel.Sqrt, compute.OpTypeAbs: kernel.Abs,
	opRectify: kernel.Rectify, opStep: kernel.Step,
	compute.OpTypeExp: kernel.Exp, compute.OpTypeLog: kernel.Log,
	compute.OpTypeIdentity: kernel.Copy, compute.OpTypeBroadcastInDim: kernel.Copy, compute.OpTypeConvertDType: kernel.Copy,
	compute.OpTypeEqual: kernel.Equal, compute.OpTypeNotEqual: kernel.NotEqual,
	compute.OpTypeLessThan: kernel.Less, compute.OpTypeLessOrEqual: kernel.LessOrEqual,
	compute.OpTypeGreaterThan: kernel.Less, compute.OpTypeGreaterOrEqual: kernel.LessOrEqual, // of the operands exchanged
	compute.OpTypeWhere: kernel.Select,
}

func isBool(v *value) bool { return v != nil && v.shape().DType == dtypes.Bool }

// pixelsOf returns the pixels and channels of a shape, as tensors have them.
func pixelsOf(s shapes.Shape) [4]int { return newTensor(s).dims() }

// spreadOf returns how a value of so many pixels and channels is repeated in others.
func spreadOf(from, to [4]int) (spread, bool) {
	switch {
	case from == to:
		return whole, true
	case from == [4]int{1, 1, 1, 1}:
		return single, true
	case from == [4]int{1, 1, 1, to[3]}:
		return byChannel, true
	case from == [4]int{to[0], to[1], to[2], 1}:
		return byPixel, true
	case from == [4]int{to[0], 1, 1, to[3]}:
		return byImage, true
	}
	return 0, false
}

// hasPixels reports whether the axes of values of a rank are those of pixels and channels.
func hasPixels(rank int) bool { return rank == 2 || rank == 4 }

// operandSpread returns how an operand of a node is repeated in its result.
func operandSpread(n *node, v *value) (spread, bool) {
	to, from := n.values[0].shape(), v.shape()
	dims := from.Dimensions
	if a, ok := n.attrs.(axesAttrs); ok && n.op == compute.OpTypeBroadcastInDim {
		dims = slices.Repeat([]int{1}, to.Rank())
		for i, axis := range a.axes {
			dims[axis] = from.Dimensions[i]
		}
	}
	switch {
	case from.Size() == 1:
		return spreadOf([4]int{1, 1, 1, 1}, pixelsOf(to))
	case slices.Equal(dims, to.Dimensions):
		return whole, true
	case len(dims) == to.Rank() && hasPixels(to.Rank()):
		return spreadOf(pixelsOf(shapes.Make(from.DType, dims...)), pixelsOf(to))
	}
	return 0, false
}

// isElementary reports whether a node is an operation of elements here, if what gives it
// truth values and what takes its own are so too.
func (l *lowering) isElementary(n *node) bool {
	op, ok := elementary[n.op]
	if !ok || len(n.inputs) != op.Operands() || n.values[0].shape().Size() == 0 {
		return false
	}
	if comparison := op.IsComparison(); isBool(n.values[0]) != comparison || !comparison && !isFloat32(n.values[0]) {
		return false
	}
	for i, v := range n.inputs {
		truth := isBool(v) && !l.constant[v.node.index] && (op == kernel.Select && i == 0 || n.op == compute.OpTypeConvertDType)
		if !truth && !isFloat32(v) {
			return false
		}
		if _, ok := operandSpread(n, v); !ok {
			return false
		}
	}
	return true
}

// isElementwise reports whether a node can be part of an elementwise.
func (l *lowering) isElementwise(n *node) bool {
	if !l.isElementary(n) {
		return false
	}
	for _, v := range append([]*value{n.values[0]}, n.inputs...) {
		if isBool(v) && !l.isTruth(v) {
			return false
		}
	}
	return true
}

// isTruth reports whether truth values are computed and used here alone.
func (l *lowering) isTruth(v *value) bool {
	for _, user := range l.users[v] {
		if user == nil || !l.isElementary(user) {
			return false
		}
	}
	return l.isElementary(v.node)
}

// joins reports whether a node is computed as a part of its only user.
func (l *lowering) joins(n *node) bool {
	users := l.users[n.values[0]]
	if len(users) == 0 || users[0] == nil || !l.isElementwise(n) {
		return false
	}
	for _, user := range users[1:] {
		if user != users[0] {
			return false
		}
	}
	user := users[0]
	if !l.isElementwise(user) || l.done[user.index] || pixelsOf(user.values[0].shape()) != pixelsOf(n.values[0].shape()) {
		return false
	}
	s, _ := operandSpread(user, n.values[0])
	return s == whole
}

// lowerElementwise takes a node with all before it that only it needs.
func (l *lowering) lowerElementwise(n *node) bool {
	if !l.isElementwise(n) {
		return false
	}
	if l.joins(n) {
		l.inlined[n] = true
		return true
	}
	type use struct {
		value  *value
		spread spread
	}
	o := &elementwise{pixels: pixelsOf(n.values[0].shape())}
	operands := map[use]int{}
	type step struct {
		op   kernel.ElementOp
		from [3]any // use or *value
		to   *value
	}
	var steps []step
	seen := map[*value]bool{}
	var visit func(v *value)
	visit = func(v *value) {
		if seen[v] {
			return
		}
		seen[v] = true
		m := v.node
		s := step{op: elementary[m.op], to: v}
		for i, in := range m.inputs {
			if l.inlined[in.node] {
				visit(in)
				s.from[i] = in
				continue
			}
			spread, _ := operandSpread(m, in)
			u := use{in, spread}
			s.from[i] = u
			if _, ok := operands[u]; ok {
				continue
			}
			operands[u] = len(o.operands)
			operand := operand{spread: spread}
			if f, ok := l.uniform(in); ok {
				operand.values, operand.spread = []float32{f}, single
			} else if flat, ok := l.floats(in); ok {
				operand.values = flat
			} else {
				operand.tensor = l.tensor(in)
			}
			o.operands = append(o.operands, operand)
		}
		if m.op == compute.OpTypeGreaterThan || m.op == compute.OpTypeGreaterOrEqual {
			s.from[0], s.from[1] = s.from[1], s.from[0]
		}
		steps = append(steps, s)
	}
	visit(n.values[0])
	registers := map[*value]int{}
	for i, s := range steps {
		var from [3]int
		for j, f := range s.from {
			switch f := f.(type) {
			case use:
				from[j] = operands[f]
			case *value:
				from[j] = registers[f]
			}
		}
		o.code = append(o.code, instruction{s.op, from[0], from[1], from[2]})
		registers[s.to] = len(o.operands) + i
	}
	o.results = []result{{register: len(o.operands) + len(o.code) - 1, tensor: l.tensor(n.values[0])}}
	l.operations = append(l.operations, o)
	return true
}

// tile is how many elements are computed at a time: the registers stay in a level-1
// cache.
const tile = 512

// registerPlan is where the registers of an elementwise are: the operands where they
// are, the results in their tensors where no instruction still reads what is in their
// place, and the others in slots, tiles of a thread's memory.
type registerPlan struct {
	slot  []int // by instruction: the slot, or -1 where it is in the result's tensor
	into  []int // by instruction: 1 and the result that it is, or 0
	pixel []int // by operand: the slot of one that is repeated in a pixel, or -1
	slots int
}

func (o *elementwise) registers() registerPlan {
	p := registerPlan{slot: make([]int, len(o.code)), into: make([]int, len(o.code)), pixel: make([]int, len(o.operands))}
	last := make([]int, len(o.operands)+len(o.code)) // instruction that reads the register
	for i, c := range o.code {
		for _, from := range c.operands() {
			last[from] = i
		}
	}
	for i, operand := range o.operands {
		p.pixel[i] = -1
		if operand.spread == byPixel {
			p.pixel[i] = p.slots
			p.slots++
		}
	}
	held := make([]bool, len(o.code))
	for i, kept := range o.results {
		at := kept.register - len(o.operands)
		p.into[at] = 1 + i
		held[at] = kept.over > 0 && last[kept.over-1] > at
	}
	var free []int
	for i, c := range o.code {
		p.slot[i] = -1
		if p.into[i] == 0 || held[i] {
			if len(free) == 0 {
				free = append(free, p.slots)
				p.slots++
			}
			p.slot[i] = free[len(free)-1]
			free = free[:len(free)-1]
		}
		// The register itself is not given back before the next instruction: a kernel's
		// result and operands do not overlap in part.
		freed := map[int]bool{}
		for _, from := range c.operands() {
			at := from - len(o.operands)
			if at >= 0 && last[from] == i && p.slot[at] >= 0 && !held[at] && !freed[at] {
				freed[at] = true
				free = append(free, p.slot[at])
			}
		}
	}
	return p
}

// layout is how an elementwise walks over its elements: in rows, each in tiles.
type layout struct {
	rows, width int
	period      int // of channels in a row, or 0 where the row is one pixel
	tile        int
}

func (o *elementwise) layout() layout {
	pixels, channels := o.pixels[0]*o.pixels[1]*o.pixels[2], o.pixels[3]
	if pixels == 1 {
		return layout{rows: 1, width: channels, tile: tile}
	}
	pitch := o.results[0].tensor.pitch
	byChannels, flat := false, true
	same := func(t *tensor) { flat = flat && t.whole().c == t.c && t.pitch == pitch }
	for _, kept := range o.results {
		same(kept.tensor)
	}
	for _, operand := range o.operands {
		switch {
		case operand.spread == byPixel || operand.spread == byImage:
			flat = false
		case operand.spread == byChannel:
			byChannels = true
		case operand.spread == whole && operand.tensor != nil:
			same(operand.tensor)
		case operand.spread == whole:
			flat = flat && pitch == channels
		}
	}
	if !flat || byChannels && pitch > tile {
		return layout{rows: pixels, width: channels, tile: tile}
	}
	// Tensors of the same layout are one long row, with what lies between their pixels.
	l := layout{rows: 1, width: (pixels-1)*pitch + channels, tile: tile}
	if byChannels {
		l.period, l.tile = pitch, tile/pitch*pitch
	}
	return l
}

func (o *elementwise) bind(r *run) func() error {
	kernels := r.program.backend.kernels
	l, plan := o.layout(), o.registers()
	perImage := o.pixels[1] * o.pixels[2]
	columns := ceil(l.width, l.tile)
	parts := min(64, ceil(l.rows*columns, 4))
	memory := make([][]float32, len(o.operands)) // where operands are; of those below, a tile
	filled := make([]bool, len(o.operands))
	for i, operand := range o.operands {
		filled[i] = operand.spread == single || operand.spread == byChannel && l.period > 0
		if filled[i] {
			memory[i] = r.fills[i][:l.tile]
		}
	}
	fill := func(i int, values []float32) {
		if o.operands[i].spread == single {
			for j := range memory[i] {
				memory[i][j] = values[0]
			}
			return
		}
		for at := 0; at < l.tile; at += l.period {
			copy(memory[i][at:], values)
		}
	}
	results := make([][]float32, len(o.results))
	work := r.parallel(parts, func(part, thread int) {
		registers, tiles := r.registers[thread], r.tiles[thread]
		for at := part * l.rows * columns / parts; at < (part+1)*l.rows*columns/parts; at++ {
			row, first := at/columns, at%columns*l.tile
			size := min(l.tile, l.width-first)
			for i, operand := range o.operands {
				pitch := o.pixels[3]
				if operand.tensor != nil {
					pitch = operand.tensor.pitch
				}
				switch {
				case filled[i]:
					registers[i] = memory[i][:size]
				case operand.spread == whole:
					registers[i] = memory[i][row*pitch+first:][:size]
				case operand.spread == byChannel:
					registers[i] = memory[i][first:][:size]
				case operand.spread == byImage:
					registers[i] = memory[i][row/perImage*pitch+first:][:size]
				case operand.spread == byPixel:
					if operand.tensor == nil || operand.tensor.pixels() == 1 {
						pitch = 1
					}
					registers[i] = tiles[plan.pixel[i]*tile:][:size]
					for j := range registers[i] {
						registers[i][j] = memory[i][row*pitch]
					}
				}
			}
			for i, c := range o.code {
				var to []float32
				if plan.slot[i] >= 0 {
					to = tiles[plan.slot[i]*tile:][:size]
				} else {
					kept := plan.into[i] - 1
					to = results[kept][row*o.results[kept].tensor.pitch+first:][:size]
				}
				kernels.Element(c.op, to, registers[c.a], registers[c.b], registers[c.c])
				registers[len(o.operands)+i] = to
			}
			for i, kept := range o.results {
				if at := kept.register - len(o.operands); plan.slot[at] >= 0 {
					copy(results[i][row*kept.tensor.pitch+first:][:size], registers[kept.register])
				}
			}
		}
	})
	return func() error {
		for i, operand := range o.operands {
			values := operand.values
			if operand.tensor != nil {
				values = operand.tensor.in(r)
			}
			if filled[i] {
				fill(i, values)
			} else {
				memory[i] = values
			}
		}
		for i, kept := range o.results {
			results[i] = kept.tensor.in(r)
		}
		return work()
	}
}
