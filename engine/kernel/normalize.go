package kernel

import (
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// normalizationF32 is the passes of batch normalization over at most tuning.SumPixels pixels.
type normalizationF32 struct {
	statistics func(pixels, channels int, x *float32, pitchX int, shift, sum, squares *float32)

	normalize func(pixels, channels int, x *float32, pitchX int, scale, offset *float32, floor float32,
		y *float32, pitchY int)

	gradientSums func(pixels, channels int, x *float32, pitchX int, dy *float32, pitchDY int,
		scale, offset, mean, sum, products *float32)

	gradient func(pixels, channels int, x *float32, pitchX int, dy *float32, pitchDY int,
		scale, offset, a, b, d, dx *float32, pitchDX int)
}

// StatisticsF32 is what sums over the pixels of a tensor read and write:
//
//	for i := i0; i < i1; i++ {
//		for c := range Channels {
//			Sum[c] += X[i*Pitch+c] - Shift[c]
//			Squares[c] += (X[i*Pitch+c] - Shift[c])^2
//		}
//	}
//
// Sums of 256 pixels are made in float32 and added up in float64: so the error of Sum is
// at most 258 * 2^-24 times the sum of |x-shift|, and that of Squares 260 * 2^-24 times
// itself, over however many pixels. The mean is Shift + Sum/n and the variance
// Squares/n - (Sum/n)^2, whose relative error is that of the sums times about
// 1 + ((mean-Shift)/deviation)^2: a Shift near the mean, such as the running mean, keeps
// it small.
//
// Its sums belong to one thread.
type StatisticsF32 struct {
	Channels     int
	X            []float32
	Pitch        int
	Shift        []float32
	Sum, Squares []float64

	partial partialSums
}

// NormF32 is what normalization reads and writes:
//
//	for i := i0; i < i1; i++ {
//		for c := range Channels {
//			y := X[i*Pitch+c]*Scale[c] + Offset[c]
//			Y[i*PitchY+c] = max(y, 0) if ReLU, else y
//		}
//	}
//
// Batch normalization has Scale = gamma/deviation and Offset = beta - mean*Scale. Y may
// be X.
type NormF32 struct {
	Channels      int
	X             []float32
	Pitch         int
	Scale, Offset []float32
	ReLU          bool
	Y             []float32
	PitchY        int
}

// NormGradientSumsF32 is what the sums of normalization's gradient read and write:
//
//	for i := i0; i < i1; i++ {
//		for c := range Channels {
//			Sum[c] += dy
//			Products[c] += dy * (X[i*Pitch+c] - Mean[c])
//		}
//	}
//
// dy is DY[i*PitchDY+c], or with ReLU zero where X[i*Pitch+c]*Scale[c] + Offset[c] < 0,
// which is computed as NormF32 does: ReLU is Max(x, 0), whose gradient in GoMLX
// (core/graph, minMaxVJP) is 1 at exactly 0. That is why Y, zero on both sides of it, does
// not serve as the mask. Scale and Offset are used only with ReLU. The sums are made, and
// bounded, as those of StatisticsF32 are, by 260 * 2^-24 times the sum of their terms'
// magnitudes.
//
// Its sums belong to one thread.
type NormGradientSumsF32 struct {
	Channels      int
	X             []float32
	Pitch         int
	DY            []float32
	PitchDY       int
	Mean          []float32
	ReLU          bool
	Scale, Offset []float32
	Sum, Products []float64

	partial partialSums
}

// NormGradientF32 is what the gradient of normalization with respect to its input reads
// and writes:
//
//	for i := i0; i < i1; i++ {
//		for c := range Channels {
//			DX[i*PitchDX+c] = A[c]*dy + B[c]*X[i*Pitch+c] + D[c]
//		}
//	}
//
// dy is as in NormGradientSumsF32. With its sums over n pixels, and gamma, mean and
// deviation those of the channel:
//
//	A = gamma/deviation
//	B = -A * Products / (n * deviation^2)
//	D = -A * Sum/n - B*mean
//
// and the gradients with respect to gamma and beta are Products/deviation and Sum. DX
// may be DY or X.
type NormGradientF32 struct {
	Channels      int
	X             []float32
	Pitch         int
	DY            []float32
	PitchDY       int
	ReLU          bool
	Scale, Offset []float32
	A, B, D       []float32
	DX            []float32
	PitchDX       int
}

// partialSums are two sums in float32 of some channels.
type partialSums [2][tuning.SumChannels]float32

// Statistics adds the pixels from i0 to i1. It panics where p's slices are too short.
func (s *Set) Statistics(p *StatisticsF32, i0, i1 int) {
	checkPass(p.Channels, i0, i1, p.Shift)
	need("X", len(p.X), i1, p.Pitch, p.Channels)
	p.partial.add(p.Channels, i0, i1, p.Sum, p.Squares, func(i, c, pixels, channels int, first, second *float32) {
		s.norm.statistics(pixels, channels, &p.X[i*p.Pitch+c], p.Pitch, &p.Shift[c], first, second)
	})
}

// Normalize computes the pixels from i0 to i1. It panics where p's slices are too short.
func (s *Set) Normalize(p *NormF32, i0, i1 int) {
	checkPass(p.Channels, i0, i1, p.Scale, p.Offset)
	need("X", len(p.X), i1, p.Pitch, p.Channels)
	need("Y", len(p.Y), i1, p.PitchY, p.Channels)
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	step := max(1, tuning.PassElements/p.Channels)
	for i := i0; i < i1; i += step {
		s.norm.normalize(min(step, i1-i), p.Channels, &p.X[i*p.Pitch], p.Pitch, &p.Scale[0], &p.Offset[0], floor,
			&p.Y[i*p.PitchY], p.PitchY)
	}
}

// NormGradientSums adds the pixels from i0 to i1. It panics where p's slices are too
// short.
func (s *Set) NormGradientSums(p *NormGradientSumsF32, i0, i1 int) {
	scale, offset := p.Scale, p.Offset
	if p.ReLU {
		checkPass(p.Channels, i0, i1, p.Mean, scale, offset)
	} else {
		scale, offset = nil, nil
		checkPass(p.Channels, i0, i1, p.Mean)
	}
	need("X", len(p.X), i1, p.Pitch, p.Channels)
	need("DY", len(p.DY), i1, p.PitchDY, p.Channels)
	p.partial.add(p.Channels, i0, i1, p.Sum, p.Products, func(i, c, pixels, channels int, first, second *float32) {
		s.norm.gradientSums(pixels, channels, &p.X[i*p.Pitch+c], p.Pitch, &p.DY[i*p.PitchDY+c], p.PitchDY,
			at(scale, c), at(offset, c), &p.Mean[c], first, second)
	})
}

// NormGradient computes the pixels from i0 to i1. It panics where p's slices are too
// short.
func (s *Set) NormGradient(p *NormGradientF32, i0, i1 int) {
	scale, offset := p.Scale, p.Offset
	if p.ReLU {
		checkPass(p.Channels, i0, i1, p.A, p.B, p.D, scale, offset)
	} else {
		scale, offset = nil, nil
		checkPass(p.Channels, i0, i1, p.A, p.B, p.D)
	}
	need("X", len(p.X), i1, p.Pitch, p.Channels)
	need("DY", len(p.DY), i1, p.PitchDY, p.Channels)
	need("DX", len(p.DX), i1, p.PitchDX, p.Channels)
	step := max(1, tuning.PassElements/p.Channels)
	for i := i0; i < i1; i += step {
		s.norm.gradient(min(step, i1-i), p.Channels, &p.X[i*p.Pitch], p.Pitch, &p.DY[i*p.PitchDY], p.PitchDY,
			at(scale, 0), at(offset, 0), &p.A[0], &p.B[0], &p.D[0], &p.DX[i*p.PitchDX], p.PitchDX)
	}
}

// add makes the sums of blocks of pixels and channels, and adds them up.
func (s *partialSums) add(channels, i0, i1 int, first, second []float64,
	sum func(i, c, pixels, channels int, first, second *float32)) {
	if len(first) < channels || len(second) < channels {
		panic(fmt.Sprintf("kernel: sums have %d and %d elements, and there are %d channels", len(first), len(second), channels))
	}
	for i := i0; i < i1; i += tuning.SumPixels {
		for c := 0; c < channels; c += tuning.SumChannels {
			width := min(tuning.SumChannels, channels-c)
			sum(i, c, min(tuning.SumPixels, i1-i), width, &s[0][0], &s[1][0])
			for j := range width {
				first[c+j] += float64(s[0][j])
				second[c+j] += float64(s[1][j])
			}
		}
	}
}

// checkPass panics unless there are channels, each has its values, and the pixels are a
// range.
func checkPass(channels, i0, i1 int, values ...[]float32) {
	if channels < 1 || i0 < 0 || i0 > i1 {
		panic(fmt.Sprintf("kernel: pixels %d:%d of %d channels", i0, i1, channels))
	}
	for _, v := range values {
		if len(v) < channels {
			panic(fmt.Sprintf("kernel: a value per channel has %d elements, and there are %d channels", len(v), channels))
		}
	}
}
