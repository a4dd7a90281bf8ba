package plan

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A Tensor is a value of a plan: pixels of channels, [n, h, w, c]. Values of two axes,
// [n, c], have h = w = 1; of other ranks, one pixel.
type Tensor struct {
	N, H, W, C int
	DType      dtypes.DType
	Dense      bool  // pixels are side by side, wherever it is
	Place      Place // where its memory is: nil where the arena is yet to be divided
}

// TensorOf returns the tensor of a shape, which has no place yet.
func TensorOf(shape shapes.Shape) *Tensor {
	t := &Tensor{N: 1, H: 1, W: 1, C: shape.Size(), DType: shape.DType}
	switch dims := shape.Dimensions; len(dims) {
	case 4:
		t.N, t.H, t.W, t.C = dims[0], dims[1], dims[2], dims[3]
	case 2:
		t.N, t.C = dims[0], dims[1]
	}
	return t
}

// Like returns a tensor of the same pixels, of c channels, which has no place yet.
func (t *Tensor) Like(c int) *Tensor {
	return &Tensor{N: t.N, H: t.H, W: t.W, C: c, DType: t.DType}
}

// Workspace is memory of so many bytes in the arena, as whole cache lines.
func Workspace(bytes int) *Tensor {
	return &Tensor{N: 1, H: 1, W: Lines(bytes), C: tuning.CacheLine, DType: dtypes.Uint8}
}

// Lines is how many cache lines so many bytes take.
func Lines(bytes int) int { return (bytes + tuning.CacheLine - 1) / tuning.CacheLine }

// Pixels is how many there are, of all images.
func (t *Tensor) Pixels() int { return t.N * t.H * t.W }

// Dims are n, h, w, c.
func (t *Tensor) Dims() [4]int { return [4]int{t.N, t.H, t.W, t.C} }

// Image is the height and width.
func (t *Tensor) Image() kernel.Pair { return kernel.Pair{Y: t.H, X: t.W} }

func (t *Tensor) String() string {
	return fmt.Sprintf("%s[%d %d %d %d]", t.DType, t.N, t.H, t.W, t.C)
}

// A Place is where a tensor's memory is: [Arena], [Input], [Output], [Part], [Images] or [Over].
type Place interface{ isPlace() }

type (
	// Arena is a place of its own in the memory that the tensors of a run share.
	Arena struct{ Offset int } // bytes

	// Input is the buffer of an input.
	Input struct{ Index int }

	// Output is the buffer of an output, or, where the caller gives that away, the buffer
	// of an input that the output is written over.
	Output struct {
		Index int
		Over  *Tensor // the input, or nil
	}

	// Part is some channels of a tensor that joins several.
	Part struct {
		Of      *Tensor
		Channel int // the first
	}

	// Images is some images of a tensor.
	Images struct {
		Of    *Tensor
		First int
	}

	// Over is the memory of a tensor that is not needed any more once this one is
	// computed, pixel by pixel and channel by channel.
	Over struct{ Of *Tensor }
)

func (Arena) isPlace()  {}
func (Input) isPlace()  {}
func (Output) isPlace() {}
func (Part) isPlace()   {}
func (Images) isPlace() {}
func (Over) isPlace()   {}

// Within returns the tensor whose memory this one is in, and the channel and the image of that
// at which it begins; nil where it has memory of its own.
func (t *Tensor) Within() (of *Tensor, channel, image int) {
	switch p := t.Place.(type) {
	case Part:
		return p.Of, p.Channel, 0
	case Images:
		return p.Of, 0, p.First
	case Over:
		return p.Of, 0, 0
	}
	return nil, 0, 0
}

// Whole returns the tensor that has the memory which this one is in.
func (t *Tensor) Whole() *Tensor {
	for of, _, _ := t.Within(); of != nil; of, _, _ = t.Within() {
		t = of
	}
	return t
}

// InArena reports whether the tensor is, or will be, in the arena with memory of its own.
func (t *Tensor) InArena() bool {
	switch t.Place.(type) {
	case nil, Arena:
		return true
	}
	return false
}

// InBuffer reports whether the tensor is itself the buffer of an input or output.
func (t *Tensor) InBuffer() bool {
	switch t.Place.(type) {
	case Input, Output:
		return true
	}
	return false
}

// Pitch is the distance of the pixels, in bytes.
func (t *Tensor) Pitch() int { return t.Stride() * t.DType.Size() }

// Stride is the distance of the pixels, in elements: in a buffer or where it is dense they
// are side by side. Elsewhere a pixel begins a cache line, at no distance at which the
// rows of a tile compete for places in a cache; images of a few channels, whose pixels
// are no line, have them side by side too.
func (t *Tensor) Stride() int {
	whole := t.Whole()
	line := tuning.CacheLine / whole.DType.Size()
	if whole.Dense || whole.InBuffer() || whole.C < line {
		return whole.C
	}
	stride := (whole.C + line - 1) / line * line
	if stride*whole.DType.Size()%tuning.Aliasing == 0 {
		stride += line
	}
	return stride
}

// Bytes is how much of the arena a tensor with memory of its own takes: whole cache lines.
func (t *Tensor) Bytes() int { return Lines(t.Pixels()*t.Pitch()) * tuning.CacheLine }

// Span is the extent of the tensor's memory in bytes, from its first element to the end of
// its last pixel, and at which byte of its whole's memory it begins.
func (t *Tensor) Span() (offset, size int) {
	size = (t.Pixels()-1)*t.Pitch() + t.C*t.DType.Size()
	for of, channel, image := t.Within(); of != nil; of, channel, image = t.Within() {
		offset += channel*t.DType.Size() + image*of.H*of.W*of.Pitch()
		t = of
	}
	return offset, size
}
