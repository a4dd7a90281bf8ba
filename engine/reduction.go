package engine

import (
	"slices"

	"github.com/gomlx/compute"
)

// A reduction sums the elements of a tensor, or finds their maxima.
type reduction struct {
	in, out *tensor
	over    reduced
	maximum bool
	squares bool // the sum is of the elements' squares
}

// reduced is what a reduction is over.
type reduced int

const (
	overPixels   reduced = iota // one result for each channel
	overChannels                // one result for each pixel
	overAll
)

func (o *reduction) reads() []*tensor  { return []*tensor{o.in} }
func (o *reduction) writes() []*tensor { return []*tensor{o.out} }

// recognizeReduction returns the reduction that a node is, without its tensors.
func (l *lowering) recognizeReduction(n *node) (*reduction, bool) {
	a, ok := n.attrs.(axesAttrs)
	if !ok || n.op != compute.OpTypeReduceSum && n.op != compute.OpTypeReduceMax || !isFloat32(n.inputs[0]) || l.constant[n.inputs[0].node.index] ||
		n.inputs[0].shape().Size() == 0 {
		return nil, false
	}
	o := &reduction{maximum: n.op == compute.OpTypeReduceMax}
	axes, rank := slices.Sorted(slices.Values(a.axes)), n.inputs[0].shape().Rank()
	switch {
	case !o.maximum && (len(axes) == 0 || len(axes) == rank):
		o.over = overAll
	case !hasPixels(rank):
		return nil, false
	case slices.Equal(axes, []int{rank - 1}):
		o.over = overChannels
	case !o.maximum && len(axes) == rank-1 && axes[rank-2] == rank-2:
		o.over = overPixels
	default:
		return nil, false
	}
	return o, true
}

func (l *lowering) lowerReduction(n *node) bool {
	o, ok := l.recognizeReduction(n)
	if !ok {
		return false
	}
	in := n.inputs[0]
	if l.inlined[in.node] { // its squares
		o.squares, in = true, in.node.inputs[0]
	}
	o.in, o.out = l.tensor(in), l.tensor(n.values[0])
	l.operations = append(l.operations, o)
	return true
}

// lowerSquare takes the square of a value that is only summed.
func (l *lowering) lowerSquare(n *node) bool {
	if n.op != compute.OpTypeMul || n.inputs[0] != n.inputs[1] || !isFloat32(n.values[0]) {
		return false
	}
	user := l.next(n.values[0])
	if user == nil {
		return false
	}
	if o, ok := l.recognizeReduction(user); !ok || o.over != overAll || l.inlined[n.inputs[0].node] {
		return false
	}
	l.inlined[n] = true
	return true
}

func (o *reduction) bind(r *run) func() error {
	pixels, channels := o.in.pixels(), o.in.c
	if o.over == overChannels {
		return r.parallel(min(pixels, 4*r.workers.count), func(part, _ int) {
			parts := min(pixels, 4*r.workers.count)
			in, out := o.in.in(r), o.out.in(r)
			for i := part * pixels / parts; i < (part+1)*pixels/parts; i++ {
				row := in[i*o.in.pitch:][:channels]
				// Pixels of one channel, or one pixel: side by side.
				if o.maximum {
					out[i] = slices.Max(row)
					continue
				}
				sum := 0.0
				for _, v := range row {
					sum += float64(v)
				}
				out[i] = float32(sum)
			}
		})
	}
	parts, zero := r.sums[:sums(o.in)], make([]float32, channels)
	work := r.parallel(sumBlocks, func(block, thread int) {
		p := &r.statistics[thread]
		p.Channels, p.X, p.Pitch, p.Shift = channels, o.in.in(r), o.in.pitch, zero
		p.Sum, p.Squares = blockSums(parts, channels, block)
		first, last := blockOf(pixels, block)
		r.program.backend.kernels.Statistics(p, first, last)
	})
	return func() error {
		if err := work(); err != nil {
			return err
		}
		out, all := o.out.in(r), 0.0
		for c := range channels {
			sum, squares := total(parts, channels, c)
			if o.squares {
				sum = squares
			}
			if o.over == overPixels {
				out[c] = float32(sum)
			}
			all += sum
		}
		if o.over == overAll {
			out[0] = float32(all)
		}
		return nil
	}
}
