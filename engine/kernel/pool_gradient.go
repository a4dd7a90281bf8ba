package kernel

import "fmt"

type (
	poolMaxGradientF32 func(channels, taps int, x *float32, pitch int, pixels *int32, dy, dx *float32, pitchDX int)
	poolSumGradientF32 func(channels, taps int, pixels *int32, dy *float32, weight float32, dx *float32, pitchDX int)
)

// PoolingGradientF32 is what the gradient of pooling reads and writes:
//
//	for each output pixel i and channel c < Channels {
//		the pixel of the window where X[pixel*Pitch+c] is largest, the first of
//			several: DX[pixel*PitchDX+c] += DY[i*PitchDY+c]
//		or every pixel of the window, where there are Weights:
//			DX[pixel*PitchDX+c] += Weights[i] * DY[i*PitchDY+c]
//	}
//
// The first is so row by row, and of several that are not a number it is the last, as in
// SelectAndScatterMax of GoMLX's go backend (compute v0.1.4). DX begins with zeros or
// with what else adds to it. X is not used where there are Weights.
//
// Windows that overlap add to the same pixels: parts that run at once must differ in
// their images or their channels.
type PoolingGradientF32 struct {
	Windows  *Windows
	Channels int
	X        []float32
	Pitch    int
	DY       []float32
	PitchDY  int
	Weights  []float32
	DX       []float32
	PitchDX  int
}

// PoolGradient adds the gradients of output pixels i0 to i1 in channels c0 to c1. It
// panics where p's slices are too short.
func (s *Set) PoolGradient(p *PoolingGradientF32, i0, i1, c0, c1 int) {
	w := p.Windows
	if i0 < 0 || i0 > i1 || i1 > w.Outputs() || c0 < 0 || c0 > c1 || c1 > p.Channels {
		panic(fmt.Sprintf("kernel: pixels %d:%d of %d, channels %d:%d of %d", i0, i1, w.Outputs(), c0, c1, p.Channels))
	}
	if p.Weights == nil {
		need("X", len(p.X), w.inputs, p.Pitch, p.Channels)
	} else {
		need("Weights", len(p.Weights), i1, 1, 1)
	}
	need("DY", len(p.DY), i1, p.PitchDY, p.Channels)
	need("DX", len(p.DX), w.inputs, p.PitchDX, p.Channels)
	if c0 == c1 {
		return
	}
	for i := i0; i < i1; i++ {
		start := 0
		if i > 0 {
			start = w.ends[i-1]
		}
		taps, pixels, dy := w.ends[i]-start, &w.pixels[start], &p.DY[i*p.PitchDY+c0]
		if p.Weights == nil {
			s.poolMaxGradient(c1-c0, taps, &p.X[c0], p.Pitch, pixels, dy, &p.DX[c0], p.PitchDX)
		} else {
			s.poolSumGradient(c1-c0, taps, pixels, dy, p.Weights[i], &p.DX[c0], p.PitchDX)
		}
	}
}
