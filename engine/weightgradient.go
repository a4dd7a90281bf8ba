package engine

import (
	"math"
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A weightGradient is the gradient of a convolution with respect to its weights: to
// [height][width][in.c][out.c], with out the gradient with respect to the output.
type weightGradient struct {
	geometry *convolution // in, out, window, strides and padding of the convolution
	to       *tensor

	algorithm *winogradGradient // how it is computed, or nil for a direct sum
	scratch   *tensor           // of that
}

func (o *weightGradient) reads() []*tensor  { return []*tensor{o.geometry.in, o.geometry.out} }
func (o *weightGradient) writes() []*tensor { return present([]*tensor{o.to, o.scratch}) }

// lowerWeightGradient takes the convolution that GoMLX makes of the gradient: the batch
// and the channels of the input change places, the gradient of the output is the
// kernel, and the strides are the distances of its pixels.
func (l *lowering) lowerWeightGradient(n *node) bool {
	a, ok := n.attrs.(convAttrs)
	if !ok || !isFloat32(n.values[0]) || a.channelGroupCount > 1 || a.batchGroups > 1 || !ones(a.inputDilations) ||
		l.constant[n.inputs[0].node.index] || l.constant[n.inputs[1].node.index] {
		return false
	}
	x := a.axes
	if x.InputBatch != 3 || x.InputChannels != 0 || !slices.Equal(x.InputSpatial, []int{1, 2}) ||
		x.KernelInputChannels != 0 || x.KernelOutputChannels != 3 || !slices.Equal(x.KernelSpatial, []int{1, 2}) ||
		x.OutputBatch != 2 || x.OutputChannels != 3 || !slices.Equal(x.OutputSpatial, []int{0, 1}) {
		return false
	}
	window := n.values[0].shape().Dimensions
	g := &convolution{in: l.tensor(n.inputs[0]), out: l.tensor(n.inputs[1]), height: window[0], width: window[1], spreadY: 1, spreadX: 1}
	g.strideY, g.strideX = pair(a.kernelDilations)
	g.holeY, g.holeX = pair(a.strides)
	if len(a.paddings) > 0 {
		g.top, g.left = a.paddings[0][0], a.paddings[1][0]
	}
	l.addWeightGradient(g, n.values[0])
	return true
}

// lowerDenseGradient takes [n, k] transposed times [n, m], and a transposition of that.
func (l *lowering) lowerDenseGradient(n *node) bool {
	a, ok := n.attrs.(dotAttrs)
	if !ok || !isFloat32(n.values[0]) || n.inputs[0].shape().Rank() != 2 || n.inputs[1].shape().Rank() != 2 ||
		len(a.lhsBatch) != 0 || len(a.lhsContracting) != 1 || a.lhsContracting[0] != 0 || a.rhsContracting[0] != 0 ||
		l.constant[n.inputs[0].node.index] || l.constant[n.inputs[1].node.index] {
		return false
	}
	v, lhs, rhs := n.values[0], n.inputs[0], n.inputs[1]
	if user := l.next(v); user != nil && user.op == compute.OpTypeTranspose && !slices.IsSorted(user.attrs.(axesAttrs).axes) {
		l.done[user.index] = true
		v, lhs, rhs = user.values[0], rhs, lhs
	}
	g := &convolution{
		in: l.tensor(lhs), out: l.tensor(rhs), height: 1, width: 1,
		strideY: 1, strideX: 1, spreadY: 1, spreadX: 1, holeY: 1, holeX: 1,
	}
	l.addWeightGradient(g, v)
	return true
}

// addWeightGradient adds the gradient v, with its values side by side as those of the
// weights are.
func (l *lowering) addWeightGradient(geometry *convolution, v *value) {
	to := l.tensor(v)
	to.dense = true
	l.operations = append(l.operations, &weightGradient{geometry: geometry, to: to})
}

// summed is a weightGradient with its kernel.
type summed struct {
	*weightGradient
	kernel  *kernel.GradientF32
	product kernel.WeightGradientF32 // without what is in the arena
	parts   []kernel.GradientPart
}

func newSummed(o *weightGradient, k *kernel.GradientF32, threads int) *summed {
	s := &summed{weightGradient: o, kernel: k}
	p, g := &s.product, o.geometry
	p.Taps, p.K = 1, g.in.c
	if !g.pointwise() {
		p.Rows, p.Taps, p.K = g.windowRows(1)
		p.Stride, p.Height = g.out.h*g.out.w, g.in.h*g.in.w
	}
	p.M, p.N = g.out.pixels(), g.out.c
	p.LDA, p.LDY, p.LDB = g.in.pitch, g.out.pitch, o.to.pitch
	s.divide(threads)
	return s
}

// divide cuts the weights into parts that end at about the same time, as few as that
// takes: each reads all pixels.
func (s *summed) divide(threads int) {
	const partsPerThread = 4
	p, height := &s.product, s.kernel.Rows()
	tiles, panels := ceil(p.K, height), ceil(p.N, s.kernel.NR)
	best, split := math.MaxInt, [3]int{1, 1, 1}
	for taps := 1; taps <= min(p.Taps, partsPerThread*threads); taps++ {
		for rows := 1; rows <= min(tiles, partsPerThread*threads/taps); rows++ {
			for columns := 1; columns <= min(panels, partsPerThread*threads/taps/rows); columns++ {
				parts := taps * rows * columns
				tile := height * s.kernel.NR
				cost := ceil(parts, threads)*ceil(p.Taps, taps)*ceil(tiles, rows)*ceil(panels, columns)*tile*p.M + 4*parts*p.M*(p.N/columns+p.K/rows)/threads
				if cost < best {
					best, split = cost, [3]int{taps, rows, columns}
				}
			}
		}
	}
	share := func(i, parts, units, size, of int) [2]int {
		return [2]int{min(i*units/parts*size, of), min((i+1)*units/parts*size, of)}
	}
	for t := range split[0] {
		for k := range split[1] {
			for n := range split[2] {
				s.parts = append(s.parts, kernel.GradientPart{
					Taps: share(t, split[0], p.Taps, 1, p.Taps),
					K:    share(k, split[1], tiles, height, p.K),
					N:    share(n, split[2], panels, s.kernel.NR, p.N),
					M:    [2]int{0, p.M},
				})
			}
		}
	}
}

func (s *summed) bind(r *run) func() error {
	return r.parallel(len(s.parts), func(part, thread int) {
		p := s.product
		p.A, p.DY, p.DB = s.geometry.in.in(r), s.geometry.out.in(r), s.to.in(r)
		s.kernel.Run(&p, s.parts[part], &r.pairs[thread])
	})
}
