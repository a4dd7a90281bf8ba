package plan

import (
	"fmt"
	"strings"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// An Elementwise computes each element of its results from the same elements of its
// operands, in one pass over memory however many operations that takes. Truth values
// are 1 and 0.
type Elementwise struct {
	Marks
	Dims     [4]int // n, height, width, channels of the results
	Operands []Operand
	Code     []Instruction
	Results  []Result
}

// An Operand is a tensor or constants.
type Operand struct {
	Tensor    *Tensor   // or nil
	Values    []float32 // side by side
	Broadcast Broadcast
}

// A Broadcast is how the values of an operand are repeated in the elements.
type Broadcast int

const (
	Whole     Broadcast = iota // not at all
	ByChannel                  // one for each channel
	ByPixel                    // one for each pixel
	ByImage                    // one for each image and channel
	Scalar                     // one
)

// BroadcastOf returns how a value of some pixels and channels is repeated in others.
func BroadcastOf(from, to [4]int) (Broadcast, bool) {
	switch {
	case from == to:
		return Whole, true
	case from == [4]int{1, 1, 1, 1}:
		return Scalar, true
	case from == [4]int{1, 1, 1, to[3]}:
		return ByChannel, true
	case from == [4]int{to[0], to[1], to[2], 1}:
		return ByPixel, true
	case from == [4]int{to[0], 1, 1, to[3]}:
		return ByImage, true
	}
	return 0, false
}

// An Instruction computes a register, which are numbered after the operands, from
// registers.
type Instruction struct {
	Op      kernel.ElementOp
	A, B, C int
}

// Operands lists the registers that the instruction reads.
func (c Instruction) Operands() []int { return []int{c.A, c.B, c.C}[:c.Op.Operands()] }

// A Result is a register that is kept.
type Result struct {
	Register int
	Tensor   *Tensor
}

// Overwritten returns the operand in whose memory a result is, or may be; false if none.
func (o *Elementwise) Overwritten(result int) (operand int, ok bool) {
	var over *Tensor
	switch p := o.Results[result].Tensor.Place.(type) {
	case Over:
		over = p.Of
	case Output:
		over = p.Over
	}
	for i := range o.Operands {
		if over != nil && o.Operands[i].Tensor == over {
			return i, true
		}
	}
	return 0, false
}

func (o *Elementwise) Reads() []*Tensor {
	var all []*Tensor
	for _, operand := range o.Operands {
		all = append(all, present(operand.Tensor)...)
	}
	return all
}

func (o *Elementwise) Writes() []*Tensor {
	var all []*Tensor
	for _, r := range o.Results {
		all = append(all, r.Tensor)
	}
	return all
}

func (o *Elementwise) Describe() Description {
	var names []string
	for begin, end := 0, 0; begin < len(o.Code); begin = end {
		name := o.Code[begin].Op.String()
		for end = begin + 1; end < len(o.Code) && o.Code[end].Op == o.Code[begin].Op; end++ {
		}
		if end-begin > 1 {
			name = fmt.Sprintf("%d %s", end-begin, name)
		}
		names = append(names, name)
	}
	return Description{Name: "elementwise", Algorithm: strings.Join(names, ", "), Input: o.Dims, Output: o.Dims}
}
