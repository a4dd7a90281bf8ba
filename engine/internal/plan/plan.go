// Package plan has what a program does: operations on tensors, in an order, and where each
// tensor is in memory.
//
// Lowering makes a [Plan] whose tensors have no places; [Build] runs the table of passes
// over it (passes.go), after which every operation has an implementation and every tensor
// a place. [Verify] checks what has to hold in between.
package plan

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
)

// A Plan is a program: operations that are computed one after the other.
type Plan struct {
	Operations []Operation
	Inputs     []ProgramInput
	Outputs    []ProgramOutput

	Choose Choose // how implementations are chosen
	Caches int    // bytes of the level-2 caches of all threads
	Arena  int    // bytes, once it is divided

	done []string // the passes that ran
}

// Choose returns the implementation of an operation, of which the tensors may have no
// places yet.
type Choose func(Operation) (Implementation, error)

// A ProgramInput is what the caller gives.
type ProgramInput struct {
	Name   string
	Shape  shapes.Shape
	Tensor *Tensor // in the input's buffer; nil where no operation here reads it
}

// A ProgramOutput is one of: a tensor, a buffer, a constant.
type ProgramOutput struct {
	Shape    shapes.Shape
	Tensor   *Tensor
	Buffered *Buffered
	Constant any // flat
}

// Held lists the tensors that are read after the last operation: those of outputs.
func (p *Plan) Held() []*Tensor {
	var all []*Tensor
	for _, o := range p.Outputs {
		all = append(all, present(o.Tensor)...)
	}
	return all
}

// InOwnBuffer reports whether an output is computed in its buffer. The others are copied
// into one at the end.
func (p *Plan) InOwnBuffer(output int) bool {
	t := p.Outputs[output].Tensor
	if t == nil {
		return false
	}
	place, ok := t.Place.(Output)
	return ok && place.Index == output
}

// inputs is the set of the inputs' tensors.
func (p *Plan) inputs() map[*Tensor]int {
	all := map[*Tensor]int{}
	for i, in := range p.Inputs {
		if in.Tensor != nil {
			all[in.Tensor] = i
		}
	}
	return all
}

// tensors lists all tensors of the operations and outputs, in the order of their first use.
func (p *Plan) tensors() []*Tensor {
	var all []*Tensor
	seen := map[*Tensor]bool{}
	add := func(tensors []*Tensor) {
		for _, t := range tensors {
			if !seen[t] {
				seen[t] = true
				all = append(all, t)
			}
		}
	}
	for _, o := range p.Operations {
		add(o.Reads())
		add(o.Writes())
		add(workspace(o))
	}
	add(p.Held())
	return all
}

// workspace is the memory that an operation needs beside its tensors, once it is chosen how
// to compute it.
func workspace(o Operation) []*Tensor {
	if chosen := o.Marked().Implementation; chosen != nil {
		return chosen.Workspace()
	}
	return nil
}

// Name says which operation is meant.
func (p *Plan) Name(at int) string {
	d := p.Operations[at].Describe()
	return fmt.Sprintf("operation %d of %d (%s of %v to %v)", at+1, len(p.Operations), d.Name, d.Input, d.Output)
}

// reorder sorts the operations by a number for each; those of the same one stay in their
// order.
func (p *Plan) reorder(by []int) {
	order := make([]int, len(p.Operations))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return by[a] - by[b] })
	sorted := make([]Operation, len(order))
	for i, at := range order {
		sorted[i] = p.Operations[at]
	}
	p.Operations = sorted
}
