package plan

import (
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// An Operation is a unit of a plan's work. It knows what it reads and writes; how it is
// computed is its [Implementation]'s business.
type Operation interface {
	// Reads and Writes list the tensors that the operation uses.
	Reads() []*Tensor
	Writes() []*Tensor
	// Describe says what is computed; the implementation adds the algorithm.
	Describe() Description
	// Marked returns what passes have to know of it.
	Marked() *Marks
}

// Marks are what is known of an operation beside what it computes. They are a part of it,
// so that an operation that takes its place has them.
type Marks struct {
	// Again is whether it computes activations again for gradients (recomputation).
	Again bool
	// Continues is the operation that does the same for the first images, where this one does it
	// for others; or nil.
	Continues Operation
	// Implementation is how it is computed, once that is chosen.
	Implementation Implementation
}

func (m *Marks) Marked() *Marks { return m }

// An Implementation is how an operation is computed.
type Implementation interface {
	// Workspace lists memory in the arena that it needs while the operation runs.
	Workspace() []*Tensor
}

// A Description is what an operation of a program does, and how long it takes.
type Description struct {
	// Name is what is computed, such as "convolution", "batch norm gradient", or "go
	// backend" for a part that is not computed here.
	Name string
	// Algorithm is how it is computed, such as "direct GemmF32_14x32"; for the go
	// backend, the operations.
	Algorithm string
	// Input and Output are pixels and channels: n, height, width, channels. Convolutions
	// that are computed together are one of all their output channels.
	Input, Output [4]int
	// Window and Stride are height and width; zero where there is none.
	Window, Stride [2]int
	// MultiplyAdds are those of the definition, whatever the algorithm needs.
	MultiplyAdds int64
	// Products is the type of what is multiplied, as the instructions have it, and Done how
	// many multiply-adds the algorithm does; of what multiplies matrices alone.
	Products dtypes.DType
	Done     int64
	// Loaded is how many bytes the tiles of those products load, where each load counts as
	// one of a whole vector.
	Loaded int64
	// Bytes are those of the tensors that are read and written, and of the weights.
	Bytes int64
	// Time is the median.
	Time time.Duration
}

// A Buffered is a value that stays in a buffer of the go backend: an input that is used
// as it is, or what a delegated part makes.
type Buffered struct {
	Name  string // of the input, or of the operation that makes it
	Shape shapes.Shape
	Input int // its index among the inputs, or -1
}

// present returns the tensors that are there.
func present(tensors ...*Tensor) []*Tensor {
	var some []*Tensor
	for _, t := range tensors {
		if t != nil {
			some = append(some, t)
		}
	}
	return some
}
