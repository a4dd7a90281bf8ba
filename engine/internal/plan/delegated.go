package plan

import (
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// A Delegated is a part of a program that has no kernels here and runs on the go backend.
type Delegated struct {
	Marks
	Names      []string // of its operations
	Inputs     []Source // in the order of its parameters
	Outputs    []Sink
	Executable compute.Executable
}

// A Source is where an input of a delegated part is: in a buffer, or in a tensor, of which
// a buffer is made.
type Source struct {
	Buffered *Buffered // or nil
	Tensor   *Tensor   // what is copied; with a buffer, that input's tensor, or nil
	Shape    shapes.Shape
}

// A Sink is what becomes of an output of a delegated part: it stays in its buffer and,
// where an operation reads it, is copied into a tensor.
type Sink struct {
	Buffered *Buffered
	Tensor   *Tensor // or nil
}

func (o *Delegated) Reads() []*Tensor {
	var all []*Tensor
	for _, s := range o.Inputs {
		all = append(all, present(s.Tensor)...)
	}
	return all
}

func (o *Delegated) Writes() []*Tensor {
	var all []*Tensor
	for _, s := range o.Outputs {
		all = append(all, present(s.Tensor)...)
	}
	return all
}

func (o *Delegated) Describe() Description {
	return Description{Name: "go backend", Algorithm: strings.Join(o.Names, " ")}
}

// A Random makes random bits and converts them, as unsigned integers of 32 bits, to
// float32, with the generator of GoMLX's go backend: PCG, whose state is the first two
// numbers of the state's three.
type Random struct {
	Marks
	State, Next *Buffered // before and after
	Out         *Tensor
}

func (o *Random) Reads() []*Tensor  { return nil }
func (o *Random) Writes() []*Tensor { return []*Tensor{o.Out} }

func (o *Random) Describe() Description {
	return Description{Name: "random", Output: o.Out.Dims()}
}
