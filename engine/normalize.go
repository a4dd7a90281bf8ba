package engine

import (
	"maps"
	"math"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A normalization is batch norm with the batch's statistics, by channel:
//
//	out = activation((in - mean) / sqrt(variance + epsilon) * scale + offset)
type normalization struct {
	in, scale, offset   *tensor
	out, mean, variance *tensor // out may be nil: nothing needs it
	epsilon             float32
	relu                bool
	known               bool // mean and variance are computed already
}

func (o *normalization) reads() []*tensor {
	if o.known {
		return []*tensor{o.in, o.scale, o.offset, o.mean, o.variance}
	}
	return []*tensor{o.in, o.scale, o.offset}
}

func (o *normalization) writes() []*tensor {
	if o.known {
		return []*tensor{o.out}
	}
	return present([]*tensor{o.out, o.mean, o.variance})
}

// A normalizationGradient is the gradient of a normalization: with an offset, of one
// with ReLU, whose sign is computed again.
type normalizationGradient struct {
	in, scale, offset, mean, variance, gradient *tensor // offset may be nil
	toIn, toScale, toOffset                     *tensor
	epsilon                                     float32
}

func (o *normalizationGradient) reads() []*tensor {
	return present([]*tensor{o.in, o.scale, o.offset, o.mean, o.variance, o.gradient})
}
func (o *normalizationGradient) writes() []*tensor { return []*tensor{o.toIn, o.toScale, o.toOffset} }

// lowerNormalization takes batch norm over the last of four axes, and its gradient.
func (l *lowering) lowerNormalization(n *node) bool {
	a, ok := n.attrs.(normAttrs)
	if !ok || a.axis != 3 || n.inputs[0].shape().Rank() != 4 {
		return false
	}
	in := make([]*tensor, len(n.inputs))
	for i, v := range n.inputs {
		if !isFloat32(v) || l.constant[v.node.index] {
			return false
		}
		in[i] = l.tensor(v)
	}
	if len(in) == 3 {
		l.addNormalization(n, in, a.epsilon)
		return true
	}
	y, b, c := l.tensor(n.values[0]), l.tensor(n.values[1]), l.tensor(n.values[2])
	o := &normalizationGradient{in: in[0], scale: in[1], mean: in[2], variance: in[3], gradient: in[4], toIn: y, toScale: b, toOffset: c, epsilon: a.epsilon}
	if m, ok := l.masked[n.inputs[4]]; ok {
		o.gradient, o.offset = l.tensor(m.gradient), l.tensor(m.norm.inputs[2])
	}
	l.operations = append(l.operations, o)
	return true
}

// addNormalization adds batch norm with the ReLU after it. Where the same values have
// been normalised before, their mean and variance are known.
func (l *lowering) addNormalization(n *node, in []*tensor, epsilon float32) {
	o := &normalization{in: in[0], scale: in[1], offset: in[2], epsilon: epsilon}
	if before, ok := l.norms[o.in]; ok {
		o.known, o.mean, o.variance = true, before.mean, before.variance
		l.tensors[n.values[1]], l.tensors[n.values[2]] = o.mean, o.variance
	} else {
		o.mean, o.variance = l.tensor(n.values[1]), l.tensor(n.values[2])
		l.norms[o.in] = o
	}
	activated, mask, ok := l.rectified(n)
	switch {
	case !ok:
		o.out = l.tensor(n.values[0])
	case activated != nil:
		o.relu, o.out = true, l.tensor(activated.values[0])
		l.done[activated.index] = true
	}
	for _, m := range mask {
		l.done[m.index] = true
	}
	if o.out != nil || !o.known {
		l.operations = append(l.operations, o)
	}
}

// A masked gradient is one that ReLU's gradient is applied to, with the batch norm that
// ReLU follows.
type masked struct {
	gradient *value
	norm     *node
}

// rectified reports whether nothing needs the value of a batch norm but ReLU, which it
// returns or nil, and ReLU's gradient: it returns the nodes that apply that to the
// gradient of this batch norm, and remembers what they make.
func (l *lowering) rectified(norm *node) (relu *node, mask []*node, ok bool) {
	v := norm.values[0]
	made := map[*value]masked{}
	for _, user := range l.users[v] {
		switch {
		case user == nil:
			return nil, nil, false
		case relu == nil && user.op == compute.OpTypeMax && l.isZero(other(user, v)):
			relu = user
		default:
			steps := l.step(user, v)
			if steps == nil {
				return nil, nil, false
			}
			step := steps[len(steps)-1]
			product := l.only(step)
			if product == nil || product.op != compute.OpTypeMul {
				return nil, nil, false
			}
			next := l.only(product)
			if next == nil || next.op != compute.OpTypeBatchNormGradient || next.inputs[0] != norm.inputs[0] || next.inputs[4] != product.values[0] {
				return nil, nil, false
			}
			mask = append(append(mask, steps...), product)
			made[product.values[0]] = masked{other(product, step.values[0]), norm}
		}
	}
	maps.Copy(l.masked, made)
	return relu, mask, true
}

// only returns the only user of a node's value.
func (l *lowering) only(n *node) *node {
	users := l.users[n.values[0]]
	if len(users) != 1 {
		return nil
	}
	return users[0]
}

func (l *lowering) isZero(v *value) bool { return l.isConstant(v, 0) }

func (l *lowering) isConstant(v *value, want float32) bool {
	f, ok := l.uniform(v)
	return ok && f == want && !math.Signbit(float64(f))
}

// sumBlocks is how many parts a sum over pixels has. It does not depend on the
// threads, so that the result does not.
const sumBlocks = 16

// sums is how many float64s two sums by channel need.
func sums(t *tensor) int { return sumBlocks * 2 * t.c }

// total returns the two sums of channel c over the blocks.
func total(parts []float64, channels, c int) (a, b float64) {
	for block := range sumBlocks {
		a += parts[2*block*channels+c]
		b += parts[(2*block+1)*channels+c]
	}
	return a, b
}

// blockSums returns the places of a block's two sums, cleared.
func blockSums(parts []float64, channels, block int) (a, b []float64) {
	both := parts[2*block*channels:][:2*channels]
	clear(both)
	return both[:channels], both[channels:]
}

// blockOf returns the pixels of a block.
func blockOf(pixels, block int) (first, last int) {
	return block * pixels / sumBlocks, (block + 1) * pixels / sumBlocks
}

// affine finds the factor and the summand of each channel that normalise.
func affine(factor, summand, mean, variance, scale, offset []float32, epsilon float32) {
	for c := range mean {
		f := float64(scale[c]) / math.Sqrt(float64(variance[c])+float64(epsilon))
		factor[c], summand[c] = float32(f), float32(float64(offset[c])-float64(mean[c])*f)
	}
}

func (o *normalization) bind(r *run) func() error {
	pixels, channels := o.in.pixels(), o.in.c
	kernels := r.program.backend.kernels
	parts := r.sums[:sums(o.in)]
	// The sums are of differences from the first pixel: the squares of values far from
	// zero would leave nothing of the variance.
	sum := r.parallel(sumBlocks, func(block, thread int) {
		p := &r.statistics[thread]
		in := o.in.in(r)
		p.Channels, p.X, p.Pitch, p.Shift = channels, in, o.in.pitch, in
		p.Sum, p.Squares = blockSums(parts, channels, block)
		first, last := blockOf(pixels, block)
		kernels.Statistics(p, first, last)
	})
	norm := kernel.NormF32{
		Channels: channels, Pitch: o.in.pitch, ReLU: o.relu,
		Scale: make([]float32, channels), Offset: make([]float32, channels),
	}
	normalize := r.parallel(sumBlocks, func(block, _ int) {
		first, last := blockOf(pixels, block)
		kernels.Normalize(&norm, first, last)
	})
	return func() error {
		in, mean, variance := o.in.in(r), o.mean.in(r), o.variance.in(r)
		if !o.known {
			if err := sum(); err != nil {
				return err
			}
			for c := range channels {
				s, q := total(parts, channels, c)
				s /= float64(pixels)
				mean[c], variance[c] = float32(float64(in[c])+s), float32(max(q/float64(pixels)-s*s, 0))
			}
		}
		if o.out == nil {
			return nil
		}
		norm.X, norm.Y, norm.PitchY = in, o.out.in(r), o.out.pitch
		affine(norm.Scale, norm.Offset, mean, variance, o.scale.in(r), o.offset.in(r), o.epsilon)
		return normalize()
	}
}

func (o *normalizationGradient) bind(r *run) func() error {
	pixels, channels := o.in.pixels(), o.in.c
	kernels := r.program.backend.kernels
	parts := r.sums[:sums(o.in)]
	values := make([]float32, 5*channels)
	take := func(i int) []float32 { return values[i*channels:][:channels] }
	norm := kernel.NormGradientF32{
		Channels: channels, Pitch: o.in.pitch, PitchDY: o.gradient.pitch,
		ReLU: o.offset != nil, Scale: take(0), Offset: take(1), A: take(2), B: take(3), D: take(4),
		PitchDX: o.toIn.pitch,
	}
	sum := r.parallel(sumBlocks, func(block, thread int) {
		p := &r.gradientSums[thread]
		p.Channels, p.X, p.Pitch, p.DY, p.PitchDY, p.Mean = channels, norm.X, o.in.pitch, norm.DY, o.gradient.pitch, o.mean.in(r)
		p.ReLU, p.Scale, p.Offset = norm.ReLU, norm.Scale, norm.Offset
		p.Sum, p.Products = blockSums(parts, channels, block)
		first, last := blockOf(pixels, block)
		kernels.NormGradientSums(p, first, last)
	})
	back := r.parallel(sumBlocks, func(block, _ int) {
		first, last := blockOf(pixels, block)
		kernels.NormGradient(&norm, first, last)
	})
	return func() error {
		norm.X, norm.DY, norm.DX = o.in.in(r), o.gradient.in(r), o.toIn.in(r)
		scale, mean, variance := o.scale.in(r), o.mean.in(r), o.variance.in(r)
		toScale, toOffset := o.toScale.in(r), o.toOffset.in(r)
		if o.offset != nil {
			affine(norm.Scale, norm.Offset, mean, variance, scale, o.offset.in(r), o.epsilon)
		}
		if err := sum(); err != nil {
			return err
		}
		for c := range channels {
			s, q := total(parts, channels, c)
			inverse := 1 / math.Sqrt(float64(variance[c])+float64(o.epsilon))
			toOffset[c], toScale[c] = float32(s), float32(q*inverse)
			// scale * inverse * (gradient - mean(gradient) - normalized * mean(gradient * normalized))
			a := float64(scale[c]) * inverse
			b := -a * q * inverse * inverse / float64(pixels)
			norm.A[c], norm.B[c] = float32(a), float32(b)
			norm.D[c] = float32(-a*s/float64(pixels) - b*float64(mean[c]))
		}
		return back()
	}
}
