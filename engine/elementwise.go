package engine

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
)

// An elementwise computes each element of its output from the same elements of
// its operands, in one pass over memory however many operations that takes.
type elementwise struct {
	out      *tensor
	operands []operand
	code     []instruction
}

// An operand is a tensor of the output's pixels, or one pixel for all of them, or one
// value for all elements.
type operand struct {
	tensor *tensor // or nil
	pixel  bool    // the tensor is one pixel
	values []float32
}

// An instruction computes a register, which are numbered after the operands, from
// registers. The last one's is the output.
type instruction struct {
	op   compute.OpType
	a, b int
}

func (o *elementwise) reads() []*tensor {
	var all []*tensor
	for _, operand := range o.operands {
		all = append(all, operand.tensor)
	}
	return present(all)
}

func (o *elementwise) writes() []*tensor { return []*tensor{o.out} }

// elementary lists the operations that are computed element by element, with the
// number of their operands.
var elementary = map[compute.OpType]int{
	compute.OpTypeAdd: 2, compute.OpTypeSub: 2, compute.OpTypeMul: 2, compute.OpTypeDiv: 2,
	compute.OpTypeMax: 2, compute.OpTypeMin: 2,
	compute.OpTypeSign: 1, compute.OpTypeNeg: 1, compute.OpTypeSqrt: 1, compute.OpTypeAbs: 1,
	compute.OpTypeIdentity: 1, compute.OpTypeBroadcastInDim: 1,
}

// isElementwise reports whether a node can be part of an elementwise.
func (l *lowering) isElementwise(n *node) bool {
	count, ok := elementary[n.op]
	if !ok || len(n.inputs) != count || !isFloat32(n.values[0]) || n.values[0].shape().Size() == 0 {
		return false
	}
	if n.op == compute.OpTypeBroadcastInDim {
		return l.spreads(n)
	}
	for _, v := range n.inputs {
		if !isFloat32(v) || !l.constant[v.node.index] && !v.shape().Equal(n.values[0].shape()) {
			return false
		}
		if l.constant[v.node.index] {
			// The frontier has every constant that is read by what is not constant.
			flat, ok := l.floats(v)
			byChannel := hasChannels(n.values[0].shape().Rank()) && len(flat) == lastOf(n) && len(flat) == lastOf(v.node)
			if !ok || len(flat) != 1 && !byChannel {
				return false
			}
		}
	}
	return true
}

// spreads reports whether a broadcast repeats one value, or one for each channel.
func (l *lowering) spreads(n *node) bool {
	a, ok := n.attrs.(axesAttrs)
	v := n.inputs[0]
	if !ok || !isFloat32(v) || l.constant[v.node.index] {
		return false
	}
	rank := n.values[0].shape().Rank()
	return hasChannels(rank) && v.shape().Rank() == 1 && slices.Equal(a.axes, []int{rank - 1}) && v.shape().Size() == lastOf(n)
}

// hasChannels reports whether the last axis of values of a rank are channels of a
// tensor.
func hasChannels(rank int) bool { return rank == 1 || rank == 2 || rank == 4 }

// lastOf is the size of the last axis.
func lastOf(n *node) int {
	dims := n.values[0].shape().Dimensions
	if len(dims) == 0 {
		return 1
	}
	return dims[len(dims)-1]
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
	return l.isElementwise(users[0]) && users[0].op != compute.OpTypeBroadcastInDim && !l.done[users[0].index]
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
	o := &elementwise{}
	known := map[*value]int{} // operands by number
	type step struct {
		op   compute.OpType
		a, b *value
		to   *value
	}
	var steps []step
	place := func(v *value) {
		if _, ok := known[v]; ok {
			return
		}
		known[v] = len(o.operands)
		if flat, ok := l.floats(v); ok {
			o.operands = append(o.operands, operand{values: flat})
		} else {
			o.operands = append(o.operands, operand{tensor: l.tensor(v)})
		}
	}
	spread := map[*value]bool{}
	seen := map[*value]bool{}
	var visit func(v *value)
	visit = func(v *value) {
		if seen[v] {
			return
		}
		seen[v] = true
		if l.constant[v.node.index] || v != n.values[0] && !l.inlined[v.node] {
			place(v)
			return
		}
		m := v.node
		if m.op == compute.OpTypeBroadcastInDim {
			place(m.inputs[0])
			spread[m.inputs[0]] = true
			steps = append(steps, step{compute.OpTypeIdentity, m.inputs[0], m.inputs[0], v})
			return
		}
		for _, in := range m.inputs {
			visit(in)
		}
		steps = append(steps, step{m.op, m.inputs[0], m.inputs[len(m.inputs)-1], v})
	}
	visit(n.values[0])
	for v := range spread {
		o.operands[known[v]].pixel = true
	}
	registers := map[*value]int{}
	for v, i := range known {
		registers[v] = i
	}
	for i, s := range steps {
		o.code = append(o.code, instruction{s.op, registers[s.a], registers[s.b]})
		registers[s.to] = len(o.operands) + i
	}
	o.out = l.tensor(n.values[0])
	l.operations = append(l.operations, o)
	return true
}

// tile is how many elements are computed at a time: the registers stay in a level-1
// cache.
const tile = 512

func (o *elementwise) bind(r *run) func() error {
	out := o.out.in(r.arena)
	pixels, channels := o.out.pixels(), o.out.c
	memory := make([][]float32, len(o.operands))
	flat := o.out.within == nil
	for i, operand := range o.operands {
		switch {
		case operand.tensor != nil:
			memory[i] = operand.tensor.in(r.arena)
			flat = flat && !operand.pixel && operand.tensor.within == nil && operand.tensor.pitch == o.out.pitch
		case len(operand.values) == 1:
			memory[i] = slices.Repeat(operand.values, tile)
		default:
			memory[i] = operand.values
			flat = false
		}
	}
	// Tensors of the same layout are one long row, with what lies between their pixels.
	width, rows, pitch := channels, pixels, o.out.pitch
	if flat {
		width, rows, pitch = (pixels-1)*o.out.pitch+channels, 1, 0
	}
	columns := ceil(width, tile)
	parts := min(64, ceil(rows*columns, 4))
	return r.parallel(parts, func(part, thread int) {
		registers := r.registers[thread]
		for at := part * rows * columns / parts; at < (part+1)*rows*columns/parts; at++ {
			row, first := at/columns, at%columns*tile
			size := min(tile, width-first)
			for i, operand := range o.operands {
				switch {
				case operand.tensor != nil && !operand.pixel:
					start := first
					if !flat {
						start += row * operand.tensor.pitch
					}
					registers[i] = memory[i][start:][:size]
				case operand.tensor != nil || len(operand.values) > 1:
					registers[i] = memory[i][first:][:size]
				default:
					registers[i] = memory[i][:size]
				}
			}
			for i, c := range o.code {
				to := r.tiles[thread][i*tile:][:size]
				if i == len(o.code)-1 {
					to = out[row*pitch+first:][:size]
				}
				c.run(to, registers[c.a], registers[c.b])
				registers[len(o.operands)+i] = to
			}
		}
	})
}

func (c instruction) run(to, a, b []float32) {
	a, b = a[:len(to)], b[:len(to)]
	switch c.op {
	case compute.OpTypeIdentity:
		copy(to, a)
	case compute.OpTypeAdd:
		for i := range to {
			to[i] = a[i] + b[i]
		}
	case compute.OpTypeSub:
		for i := range to {
			to[i] = a[i] - b[i]
		}
	case compute.OpTypeMul:
		for i := range to {
			to[i] = a[i] * b[i]
		}
	case compute.OpTypeDiv:
		for i := range to {
			to[i] = a[i] / b[i]
		}
	case compute.OpTypeMax:
		for i := range to {
			to[i] = max(a[i], b[i])
		}
	case compute.OpTypeMin:
		for i := range to {
			to[i] = min(a[i], b[i])
		}
	case compute.OpTypeNeg:
		for i := range to {
			to[i] = -a[i]
		}
	case compute.OpTypeAbs:
		for i := range to {
			to[i] = math.Float32frombits(math.Float32bits(a[i]) &^ (1 << 31))
		}
	case compute.OpTypeSqrt:
		for i := range to {
			to[i] = float32(math.Sqrt(float64(a[i])))
		}
	case compute.OpTypeSign:
		for i, v := range a {
			switch {
			case v > 0:
				v = 1
			case v < 0:
				v = -1
			}
			to[i] = v // zeros and NaN stay
		}
	}
}
