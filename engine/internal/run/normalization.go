package run

import (
	"math"

	"github.com/gomlx/compute/dtypes"

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

// isFloat reports whether a tensor, if there is one, is of a type that batch norm converts.
func isFloat(t *plan.Tensor) bool {
	return t == nil || t.DType == dtypes.Float32 || t.DType == dtypes.BFloat16
}

func acceptsNormalization(_ *chooser, o *plan.Normalization) bool {
	return o.In.DType == dtypes.Float32 && isFloat(o.Out)
}

func newNormalization(_ *chooser, o *plan.Normalization) *normalization { return &normalization{o: o} }

func (n *normalization) algorithm() string {
	if n.o.Known || n.o.Out == nil {
		return "one pass"
	}
	return "two passes"
}

func (n *normalization) needs() needs {
	return needs{shared: 8 * sums(n.o.In), scratch: widenedBytes(n.o.In, n.o.Out)}
}

// widenedBytes is how much memory a thread needs for some pixels as float32, where one of the
// tensors is bfloat16.
func widenedBytes(like *plan.Tensor, others ...*plan.Tensor) int {
	for _, t := range others {
		if t != nil && t.DType == dtypes.BFloat16 {
			return 4 * tuning.SumPixels * like.C
		}
	}
	return 0
}

// eachPixels calls do with the pixels from first to last, as many at a time as are summed in
// float32.
func eachPixels(first, last int, do func(i, count int)) {
	for i := first; i < last; i += tuning.SumPixels {
		do(i, min(tuning.SumPixels, last-i))
	}
}

// widen makes pixels of bfloat16, from the i-th on, float32 values side by side.
func widen(k *kernel.Set, to []float32, from []uint16, i, count, channels, stride int) {
	if stride == channels {
		k.ConvertFromBF16(to[:count*channels], from[i*stride:])
		return
	}
	for p := range count {
		k.ConvertFromBF16(to[p*channels:][:channels], from[(i+p)*stride:])
	}
}

// narrow rounds float32 values side by side to pixels of bfloat16, from the i-th on.
func narrow(k *kernel.Set, to []uint16, from []float32, i, count, channels, stride int) {
	if stride == channels {
		k.ConvertToBF16(to[i*stride:][:count*channels], from)
		return
	}
	for p := range count {
		k.ConvertToBF16(to[(i+p)*stride:][:channels], from[p*channels:])
	}
}

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
	var out view
	if o.Out != nil {
		out, norm.PitchY = r.view(o.Out), o.Out.Stride()
	}
	narrows := o.Out != nil && o.Out.DType == dtypes.BFloat16
	normalize := r.parallel(tuning.SumBlocks, func(block, thread int) {
		first, last := blockOf(pixels, block)
		if !narrows {
			kernels.Normalize(&norm, first, last)
			return
		}
		some := norm
		some.Y, some.PitchY = floats(r.scratch[thread]), channels
		eachPixels(first, last, func(i, count int) {
			some.X = norm.X[i*stride:]
			kernels.Normalize(&some, 0, count)
			narrow(kernels, out.bits(), some.Y, i, count, channels, norm.PitchY)
		})
	})
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
		if norm.X = in; !narrows {
			norm.Y = out.floats()
		}
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

func acceptsNormalizationGradient(_ *chooser, o *plan.NormalizationGradient) bool {
	return o.In.DType == dtypes.Float32 && isFloat(o.Gradient) && isFloat(o.ToIn)
}

func newNormalizationGradient(_ *chooser, o *plan.NormalizationGradient) *normalizationGradient {
	return &normalizationGradient{o: o}
}

func (n *normalizationGradient) algorithm() string { return "two passes" }

func (n *normalizationGradient) needs() needs {
	return needs{shared: 8 * sums(n.o.In), scratch: widenedBytes(n.o.In, n.o.Gradient, n.o.ToIn)}
}

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
	widens, narrows := o.Gradient.DType == dtypes.BFloat16, o.ToIn.DType == dtypes.BFloat16
	sum := r.parallel(tuning.SumBlocks, func(block, thread int) {
		p := &r.gradientSums[thread]
		p.Channels, p.X, p.Pitch, p.DY, p.PitchDY, p.Mean = channels, norm.X, stride, norm.DY, strideDY, meanView.floats()
		p.ReLU, p.Scale, p.Offset = norm.ReLU, norm.Scale, norm.Offset
		p.Sum, p.Products = blockSums(parts, channels, block)
		first, last := blockOf(pixels, block)
		if !widens {
			kernels.NormGradientSums(p, first, last)
			return
		}
		p.DY, p.PitchDY = floats(r.scratch[thread]), channels
		eachPixels(first, last, func(i, count int) {
			widen(kernels, p.DY, gradient.bits(), i, count, channels, strideDY)
			p.X = norm.X[i*stride:]
			kernels.NormGradientSums(p, 0, count)
		})
	})
	back := r.parallel(tuning.SumBlocks, func(block, thread int) {
		first, last := blockOf(pixels, block)
		if !widens && !narrows {
			kernels.NormGradient(&norm, first, last)
			return
		}
		some, memory := norm, floats(r.scratch[thread])
		eachPixels(first, last, func(i, count int) {
			some.X = norm.X[i*stride:]
			if widens {
				some.DY, some.PitchDY = memory, channels
				widen(kernels, memory, gradient.bits(), i, count, channels, strideDY)
			} else {
				some.DY = norm.DY[i*strideDY:]
			}
			if !narrows {
				some.DX = norm.DX[i*norm.PitchDX:]
				kernels.NormGradient(&some, 0, count)
				return
			}
			some.DX, some.PitchDX = memory, channels
			kernels.NormGradient(&some, 0, count)
			narrow(kernels, to.bits(), memory, i, count, channels, norm.PitchDX)
		})
	})
	return func() error {
		norm.X = in.floats()
		if !widens {
			norm.DY = gradient.floats()
		}
		if !narrows {
			norm.DX = to.floats()
		}
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
