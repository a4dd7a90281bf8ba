package run

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// normalization is batch norm: a pass for the statistics, unless they are known, and one
// that normalises.
type normalization struct {
	plain
	o *plan.Normalization
}

func newNormalization(_ *chooser, o *plan.Normalization) *normalization { return &normalization{o: o} }

func (n *normalization) algorithm() string {
	if n.o.Known || n.o.Out == nil {
		return "one pass"
	}
	return "two passes"
}

func (n *normalization) needs() needs { return needs{shared: 8 * sums(n.o.In)} }

// affine finds the factor and the summand of each channel that normalise.
func affine(factor, summand, mean, variance, scale, offset []float32, epsilon float32) {
	for c := range mean {
		f := float64(scale[c]) / math.Sqrt(float64(variance[c])+float64(epsilon))
		factor[c], summand[c] = float32(f), float32(float64(offset[c])-float64(mean[c])*f)
	}
}

func (n *normalization) bind(r *run) func() error {
	o := n.o
	pixels, channels, stride := o.In.Pixels(), o.In.C, o.In.Stride()
	kernels := r.machine.Kernels
	parts := r.sharedDoubles()[:sums(o.In)]
	inView, meanView, varianceView := r.view(o.In), r.view(o.Mean), r.view(o.Variance)
	scale, offset := r.view(o.Scale), r.view(o.Offset)
	// The sums are of differences from the first pixel: the squares of values far from
	// zero would leave nothing of the variance.
	sum := r.parallel(tuning.SumBlocks, func(block, thread int) {
		p := &r.statistics[thread]
		in := inView.floats()
		p.Channels, p.X, p.Pitch, p.Shift = channels, in, stride, in
		p.Sum, p.Squares = blockSums(parts, channels, block)
		first, last := blockOf(pixels, block)
		kernels.Statistics(p, first, last)
	})
	norm := kernel.NormF32{
		Channels: channels, Pitch: stride, ReLU: o.ReLU,
		Scale: make([]float32, channels), Offset: make([]float32, channels),
	}
	normalize := r.parallel(tuning.SumBlocks, func(block, _ int) {
		first, last := blockOf(pixels, block)
		kernels.Normalize(&norm, first, last)
	})
	var out view
	if o.Out != nil {
		out, norm.PitchY = r.view(o.Out), o.Out.Stride()
	}
	return func() error {
		in, mean, variance := inView.floats(), meanView.floats(), varianceView.floats()
		if !o.Known {
			if err := sum(); err != nil {
				return err
			}
			for c := range channels {
				s, q := total(parts, channels, c)
				s /= float64(pixels)
				mean[c], variance[c] = float32(float64(in[c])+s), float32(max(q/float64(pixels)-s*s, 0))
			}
			if err := r.meanOfAll(mean, variance); err != nil {
				return err
			}
		}
		if o.Out == nil {
			return nil
		}
		norm.X, norm.Y = in, out.floats()
		affine(norm.Scale, norm.Offset, mean, variance, scale.floats(), offset.floats(), o.Epsilon)
		return normalize()
	}
}

// normalizationGradient is the gradient of batch norm: a pass for the sums and one for the
// gradient.
type normalizationGradient struct {
	plain
	o *plan.NormalizationGradient
}

func newNormalizationGradient(_ *chooser, o *plan.NormalizationGradient) *normalizationGradient {
	return &normalizationGradient{o: o}
}

func (n *normalizationGradient) algorithm() string { return "two passes" }

func (n *normalizationGradient) needs() needs { return needs{shared: 8 * sums(n.o.In)} }

func (n *normalizationGradient) bind(r *run) func() error {
	o := n.o
	pixels, channels, stride, strideDY := o.In.Pixels(), o.In.C, o.In.Stride(), o.Gradient.Stride()
	kernels := r.machine.Kernels
	parts := r.sharedDoubles()[:sums(o.In)]
	in, gradient, to := r.view(o.In), r.view(o.Gradient), r.view(o.ToIn)
	scaleView, meanView, varianceView := r.view(o.Scale), r.view(o.Mean), r.view(o.Variance)
	toScaleView, toOffsetView := r.view(o.ToScale), r.view(o.ToOffset)
	var offset view
	if o.Offset != nil {
		offset = r.view(o.Offset)
	}
	ofGradient, ofProducts := make([]float64, channels), make([]float64, channels) // sums; products with In less Mean
	values := make([]float32, 5*channels)
	take := func(i int) []float32 { return values[i*channels:][:channels] }
	norm := kernel.NormGradientF32{
		Channels: channels, Pitch: stride, PitchDY: strideDY,
		ReLU: o.Offset != nil, Scale: take(0), Offset: take(1), A: take(2), B: take(3), D: take(4),
		PitchDX: o.ToIn.Stride(),
	}
	sum := r.parallel(tuning.SumBlocks, func(block, thread int) {
		p := &r.gradientSums[thread]
		p.Channels, p.X, p.Pitch, p.DY, p.PitchDY, p.Mean = channels, norm.X, stride, norm.DY, strideDY, meanView.floats()
		p.ReLU, p.Scale, p.Offset = norm.ReLU, norm.Scale, norm.Offset
		p.Sum, p.Products = blockSums(parts, channels, block)
		first, last := blockOf(pixels, block)
		kernels.NormGradientSums(p, first, last)
	})
	back := r.parallel(tuning.SumBlocks, func(block, _ int) {
		first, last := blockOf(pixels, block)
		kernels.NormGradient(&norm, first, last)
	})
	return func() error {
		norm.X, norm.DY, norm.DX = in.floats(), gradient.floats(), to.floats()
		scale, mean, variance := scaleView.floats(), meanView.floats(), varianceView.floats()
		toScale, toOffset := toScaleView.floats(), toOffsetView.floats()
		if o.Offset != nil {
			affine(norm.Scale, norm.Offset, mean, variance, scale, offset.floats(), o.Epsilon)
		}
		if err := sum(); err != nil {
			return err
		}
		for c := range channels {
			s, q := total(parts, channels, c)
			inverse := 1 / math.Sqrt(float64(variance[c])+float64(o.Epsilon))
			toOffset[c], toScale[c] = float32(s), float32(q*inverse)
			ofGradient[c], ofProducts[c] = s, q
		}
		replicas, err := r.sumOfAll(ofGradient, ofProducts)
		if err != nil {
			return err
		}
		n := float64(pixels * replicas)
		for c := range channels {
			inverse := 1 / math.Sqrt(float64(variance[c])+float64(o.Epsilon))
			// scale * inverse * (gradient - mean(gradient) - normalized * mean(gradient * normalized))
			a := float64(scale[c]) * inverse
			b := -a * ofProducts[c] * inverse * inverse / n
			norm.A[c], norm.B[c] = float32(a), float32(b)
			norm.D[c] = float32(-a*ofGradient[c]/n - b*float64(mean[c]))
		}
		return back()
	}
}
