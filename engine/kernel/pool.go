package kernel

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/kernel/generic"
)

// poolKernels are those of elements of a type.
type poolKernels[T float32 | uint16 | uint8] struct {
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
	PoolingU8   = Pooling[uint8]
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
// with acc in float32, rounded once to the nearest where Y is of bfloat16 or of integers, which
// are limited to 255 then and have no Bias, and Weights that are not negative.
type Pooling[T float32 | uint16 | uint8] struct {
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

// MostPoolU8 is how many integers of 8 bits are summed at most.
const MostPoolU8 = 257

// PoolU8 is Pool of integers. It panics where there is a Bias, a negative weight, or a window
// of a sum has more than MostPoolU8 pixels.
//
//go:noinline
func (s *Set) PoolU8(p *PoolingU8, i0, i1 int) {
	if p.Bias != nil {
		panic("kernel: pooling of 8-bit integers has no Bias")
	}
	for i := max(i0, 0); i < min(i1, len(p.Weights), p.Windows.Outputs()); i++ {
		if start, end := p.Windows.span(i); !(p.Weights[i] >= 0) || end-start > MostPoolU8 {
			panic(fmt.Sprintf("kernel: pooling of 8-bit integers by the weight %g over %d pixels, of at most %d", p.Weights[i], end-start, MostPoolU8))
		}
	}
	pool(&s.poolU8, p, i0, i1)
}

// span is where the pixels of an output pixel's window begin and end.
func (w *Windows) span(i int) (start, end int) {
	if i > 0 {
		start = w.ends[i-1]
	}
	return start, w.ends[i]
}

// poolU8 makes kernels of integers of those that take channels of whole vectors, and of the
// plain ones for the rest.
func poolU8(width int, maximum func(channels, taps int, x *uint8, pitch int, pixels *int32, y *uint8),
	sum func(channels, taps int, x *uint8, pitch int, pixels *int32, y *uint8, weight float32)) poolKernels[uint8] {
	return poolKernels[uint8]{
		max: func(channels, taps int, x *uint8, pitch int, pixels *int32, y *uint8) {
			whole := channels / width * width
			maximum(whole, taps, x, pitch, pixels, y)
			if whole < channels {
				generic.PoolMaxU8(channels-whole, taps, next(x, whole), pitch, pixels, next(y, whole))
			}
		},
		sum: func(channels, taps int, x *uint8, pitch int, pixels *int32, y *uint8, weight float32, _ *float32, _ float32) {
			whole := channels / width * width
			sum(whole, taps, x, pitch, pixels, y, weight)
			if whole < channels {
				generic.PoolSumU8(channels-whole, taps, next(x, whole), pitch, pixels, next(y, whole), weight)
			}
		},
	}
}

// next is the address i elements on.
func next[T any](p *T, i int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), i*int(unsafe.Sizeof(*p))))
}

func pool[T float32 | uint16 | uint8](k *poolKernels[T], p *Pooling[T], i0, i1 int) {
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
		start, end := w.span(i)
		taps, pixels, y := end-start, &w.pixels[start], &p.Y[i*p.PitchY]
		if p.Weights == nil {
			k.max(p.Channels, taps, &p.X[0], p.Pitch, pixels, y)
		} else {
			k.sum(p.Channels, taps, &p.X[0], p.Pitch, pixels, y, p.Weights[i], at(p.Bias, 0), floor)
		}
	}
}
