package run

import "github.com/seed-fb2c0fa6/inception/engine/internal/plan"

// An implementation is how one operation is computed.
type implementation interface {
	plan.Implementation
	// algorithm is its name.
	algorithm() string
	// needs is what memory it needs beside the arena.
	needs() needs
	// place is called once, when the tensors have their places.
	place()
	// pack puts constant weights, as many bytes as it needs, into the order of its kernel,
	// and lets go of what they were made from.
	pack(dst []byte)
	// hold is called once, with bytes equal to those that pack made, which stay.
	hold(packed []byte)
	// bind returns what computes the operation in a run's memory, time and again.
	bind(r *run) func() error
}

// needs is memory that an implementation needs.
type needs struct {
	packed    int // bytes of constant weights, for as long as the program lives
	scratch   int // bytes of each thread
	shared    int // bytes of all threads together
	registers int // slices of each thread
}

// plain is an implementation that needs nothing, and has nothing to do but to compute.
type plain struct{}

func (plain) Workspace() []*plan.Tensor { return nil }
func (plain) needs() needs              { return needs{} }
func (plain) place()                    {}
func (plain) pack([]byte)               {}
func (plain) hold([]byte)               {}

// A chooser chooses the implementations of one program, which share tables of pixels.
type chooser struct {
	*Machine
	tables
}

// workspace lists memory, if there is any.
func workspace(t *plan.Tensor) []*plan.Tensor {
	if t == nil {
		return nil
	}
	return []*plan.Tensor{t}
}

func ceil(a, b int) int { return (a + b - 1) / b }
