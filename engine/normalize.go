package engine

import "math"

// A normalization is batch norm with the batch's statistics, by channel:
//
//	out = (in - mean) / sqrt(variance + epsilon) * scale + offset
type normalization struct {
	in, scale, offset   *tensor
	out, mean, variance *tensor
	epsilon             float32
}

func (o *normalization) reads() []*tensor  { return []*tensor{o.in, o.scale, o.offset} }
func (o *normalization) writes() []*tensor { return []*tensor{o.out, o.mean, o.variance} }

// A normalizationGradient is the gradient of a normalization's out.
type normalizationGradient struct {
	in, scale, mean, variance, gradient *tensor
	toIn, toScale, toOffset             *tensor
	epsilon                             float32
}

func (o *normalizationGradient) reads() []*tensor {
	return []*tensor{o.in, o.scale, o.mean, o.variance, o.gradient}
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
	out := []*tensor{l.tensor(n.values[0]), l.tensor(n.values[1]), l.tensor(n.values[2])}
	if len(in) == 3 {
		l.operations = append(l.operations, &normalization{in[0], in[1], in[2], out[0], out[1], out[2], a.epsilon})
	} else {
		l.operations = append(l.operations, &normalizationGradient{in[0], in[1], in[2], in[3], in[4], out[0], out[1], out[2], a.epsilon})
	}
	return true
}

const (
	// sumBlocks is how many parts a sum over pixels has. It does not depend on the
	// threads, so that the result does not.
	sumBlocks = 16
	// sumRun is how many pixels are summed in float32 before the sum goes into one in
	// float64.
	sumRun = 64
)

// sums is how many float64s two sums by channel need.
func sums(t *tensor) int { return sumBlocks * 2 * t.c }

// total returns the two sums of channel c over the blocks.
func total(parts []float64, channels, c int) (a, b float64) {
	for block := range sumBlocks {
		a += parts[(2*block)*channels+c]
		b += parts[(2*block+1)*channels+c]
	}
	return a, b
}

// eachRun goes through the runs of one of sumBlocks parts of the pixels.
func eachRun(pixels, block int, do func(first, last int)) {
	first, last := block*pixels/sumBlocks, (block+1)*pixels/sumBlocks
	for ; first < last; first += sumRun {
		do(first, min(first+sumRun, last))
	}
}

func (o *normalization) bind(r *run) func() error {
	pixels, channels := o.in.pixels(), o.in.c
	in, out := o.in.in(r.arena), o.out.in(r.arena)
	scale, offset := o.scale.in(r.arena), o.offset.in(r.arena)
	mean, variance := o.mean.in(r.arena), o.variance.in(r.arena)
	parts := r.sums[:sums(o.in)]
	factor := make([]float32, channels)
	// The sums are of differences from the first pixel: those of the squares of values
	// far from zero would leave nothing of the variance.
	sum := r.parallel(sumBlocks, func(block, _ int) {
		to := parts[2*block*channels:][:2*channels]
		clear(to)
		var buffer [2 * maxRunChannels]float32
		for c0 := 0; c0 < channels; c0 += maxRunChannels {
			width := min(maxRunChannels, channels-c0)
			shift, s, q := in[c0:][:width], buffer[:width], buffer[maxRunChannels:][:width]
			eachRun(pixels, block, func(first, last int) {
				clear(s)
				clear(q)
				for i := first; i < last; i++ {
					for c, v := range in[i*o.in.pitch+c0:][:width] {
						d := v - shift[c]
						s[c] += d
						q[c] += d * d
					}
				}
				for c := range width {
					to[c0+c] += float64(s[c])
					to[channels+c0+c] += float64(q[c])
				}
			})
		}
	})
	normalize := r.parallel(sumBlocks, func(block, _ int) {
		eachRun(pixels, block, func(first, last int) {
			for i := first; i < last; i++ {
				to := out[i*o.out.pitch:][:channels]
				for c, v := range in[i*o.in.pitch:][:channels] {
					to[c] = (v-mean[c])*factor[c] + offset[c]
				}
			}
		})
	})
	return func() error {
		if err := sum(); err != nil {
			return err
		}
		for c := range channels {
			s, q := total(parts, channels, c)
			s /= float64(pixels)
			v := max(q/float64(pixels)-s*s, 0)
			m := float64(in[c]) + s
			mean[c], variance[c] = float32(m), float32(v)
			factor[c] = float32(float64(scale[c]) / math.Sqrt(v+float64(o.epsilon)))
		}
		return normalize()
	}
}

// maxRunChannels is how many channels are summed at a time: their sums should stay
// in a level-1 cache.
const maxRunChannels = 512

func (o *normalizationGradient) bind(r *run) func() error {
	pixels, channels := o.in.pixels(), o.in.c
	in, gradient, toIn := o.in.in(r.arena), o.gradient.in(r.arena), o.toIn.in(r.arena)
	scale, mean, variance := o.scale.in(r.arena), o.mean.in(r.arena), o.variance.in(r.arena)
	toScale, toOffset := o.toScale.in(r.arena), o.toOffset.in(r.arena)
	parts := r.sums[:sums(o.in)]
	factor, share, slope := make([]float32, channels), make([]float32, channels), make([]float32, channels)
	sum := r.parallel(sumBlocks, func(block, _ int) {
		to := parts[2*block*channels:][:2*channels]
		clear(to)
		var buffer [2 * maxRunChannels]float32
		for c0 := 0; c0 < channels; c0 += maxRunChannels {
			width := min(maxRunChannels, channels-c0)
			shift, s, q := mean[c0:][:width], buffer[:width], buffer[maxRunChannels:][:width]
			eachRun(pixels, block, func(first, last int) {
				clear(s)
				clear(q)
				for i := first; i < last; i++ {
					x := in[i*o.in.pitch+c0:][:width]
					for c, g := range gradient[i*o.gradient.pitch+c0:][:width] {
						s[c] += g
						q[c] += g * (x[c] - shift[c])
					}
				}
				for c := range width {
					to[c0+c] += float64(s[c])
					to[channels+c0+c] += float64(q[c])
				}
			})
		}
	})
	back := r.parallel(sumBlocks, func(block, _ int) {
		eachRun(pixels, block, func(first, last int) {
			for i := first; i < last; i++ {
				to, x := toIn[i*o.toIn.pitch:][:channels], in[i*o.in.pitch:][:channels]
				for c, g := range gradient[i*o.gradient.pitch:][:channels] {
					to[c] = factor[c] * (g - share[c] - (x[c]-mean[c])*slope[c])
				}
			}
		})
	})
	return func() error {
		if err := sum(); err != nil {
			return err
		}
		for c := range channels {
			s, q := total(parts, channels, c)
			inverse := 1 / math.Sqrt(float64(variance[c])+float64(o.epsilon))
			toOffset[c], toScale[c] = float32(s), float32(q*inverse)
			// scale * inverse * (gradient - mean(gradient) - normalized * mean(gradient * normalized))
			factor[c] = float32(float64(scale[c]) * inverse)
			share[c], slope[c] = float32(s/float64(pixels)), float32(q*inverse*inverse/float64(pixels))
		}
		return back()
	}
}
