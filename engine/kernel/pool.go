package kernel

import (
	"fmt"
	"math"
)

// poolKernels are those of elements of a type.
type poolKernels[T float32 | uint16] struct {
	max func(channels, taps int, x *T, pitch int, pixels *int32, y *T)
	sum func(channels, taps int, x *T, pitch int, pixels *int32, y *T, weight float32, bias *float32, floor float32)
}

// Windows lists the pixels that each output pixel is pooled from.
type Windows struct {
	pixels []int32
	ends   []int // of each output pixel's list in pixels
	inputs int   // highest index of a pixel that is read, and one
}

// NewWindows lays windows over images, whose padding, and what lies beyond the other
// edges, belongs to none. It panics where a window has no pixel inside its image, or is
// dilated.
func NewWindows(g Geometry) *Windows {
	if g.Dilation != Square(1) || g.InputDilation != Square(1) {
		panic(fmt.Sprintf("kernel: windows of pooling have no dilation, found %v", g.Window))
	}
	// The exact sizes but for what is outside.
	w := &Windows{
		pixels: make([]int32, 0, g.Images*g.Out.Area()*g.Kernel.Area()),
		ends:   make([]int, 0, g.Images*g.Out.Area()),
	}
	for image := range g.Images {
		for y := range g.Out.Y {
			for x := range g.Out.X {
				before := len(w.pixels)
				top, left := y*g.Stride.Y-g.Padding.Y, x*g.Stride.X-g.Padding.X
				for iy := max(top, 0); iy < min(top+g.Kernel.Y, g.In.Y); iy++ {
					for ix := max(left, 0); ix < min(left+g.Kernel.X, g.In.X); ix++ {
						at := (image*g.In.Y+iy)*g.In.X + ix
						w.pixels = append(w.pixels, int32(at))
						w.inputs = max(w.inputs, at+1)
					}
				}
				if len(w.pixels) == before {
					panic(fmt.Sprintf("kernel: the window of output pixel %d,%d has no pixels", y, x))
				}
				w.ends = append(w.ends, len(w.pixels))
			}
		}
	}
	return w
}

// Outputs is the number of output pixels.
func (w *Windows) Outputs() int { return len(w.ends) }

type (
	PoolingF32  = Pooling[float32]
	PoolingBF16 = Pooling[uint16] // the bits of bfloat16
)

// Pooling is what pooling reads and writes:
//
//	for each output pixel i and channel c < Channels {
//		Y[i*PitchY+c] = max of X[pixel*Pitch+c] over the window's pixels
//	}
//
// or, where there are Weights,
//
//	acc := Weights[i] * sum of X[pixel*Pitch+c] over the window's pixels
//	acc += Bias[c]                               // unless nil
//	Y[i*PitchY+c] = max(acc, 0) if ReLU, else acc
//
// with acc in float32, rounded once to the nearest where Y is of bfloat16.
type Pooling[T float32 | uint16] struct {
	Windows  *Windows
	Channels int
	X        []T
	Pitch    int
	Y        []T
	PitchY   int
	Weights  []float32
	Bias     []float32
	ReLU     bool
}

// Inlined into another package, Pool and PoolBF16 would let p escape to the generic function.

// Pool computes output pixels i0 to i1. It panics where p's slices are too short.
//
//go:noinline
func (s *Set) Pool(p *PoolingF32, i0, i1 int) { pool(&s.pool, p, i0, i1) }

// PoolBF16 is Pool of bfloat16.
//
//go:noinline
func (s *Set) PoolBF16(p *PoolingBF16, i0, i1 int) { pool(&s.poolBF16, p, i0, i1) }

func pool[T float32 | uint16](k *poolKernels[T], p *Pooling[T], i0, i1 int) {
	w := p.Windows
	if i0 < 0 || i0 > i1 || i1 > w.Outputs() || p.Channels < 1 {
		panic(fmt.Sprintf("kernel: pixels %d:%d of %d, %d channels", i0, i1, w.Outputs(), p.Channels))
	}
	need("X", len(p.X), w.inputs, p.Pitch, p.Channels)
	need("Y", len(p.Y), i1, p.PitchY, p.Channels)
	if p.Weights != nil {
		need("Weights", len(p.Weights), i1, 1, 1)
	}
	if p.Bias != nil {
		need("Bias", len(p.Bias), 1, 0, p.Channels)
	}
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	for i := i0; i < i1; i++ {
		start := 0
		if i > 0 {
			start = w.ends[i-1]
		}
		taps, pixels, y := w.ends[i]-start, &w.pixels[start], &p.Y[i*p.PitchY]
		if p.Weights == nil {
			k.max(p.Channels, taps, &p.X[0], p.Pitch, pixels, y)
		} else {
			k.sum(p.Channels, taps, &p.X[0], p.Pitch, pixels, y, p.Weights[i], at(p.Bias, 0), floor)
		}
	}
}
