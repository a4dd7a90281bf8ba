package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Verify returns an error unless what has to hold after the passes that ran does: they ran
// in a legal order; everything that is read was written, and not written over since; a
// tensor that shares the memory of another may; each operation has an implementation, once
// they are chosen; and tensors that are needed at the same time do not overlap, once the
// arena is divided. It is slow, for tests.
func Verify(p *Plan) error {
	if err := p.verifyOrder(); err != nil {
		return fmt.Errorf("plan: the order of passes: %w", err)
	}
	return p.verifyState()
}

// verifyState checks what can be seen of the plan itself.
func (p *Plan) verifyState() error {
	for _, check := range []func() error{p.verifyPlaces, p.verifyReads, p.verifyOutputs, p.verifyChosen, p.verifyArena} {
		if err := check(); err != nil {
			if n := len(p.done); n > 0 {
				return fmt.Errorf("plan: after the pass %q: %w", p.done[n-1], err)
			}
			return fmt.Errorf("plan: before the passes: %w", err)
		}
	}
	return nil
}

func (p *Plan) did(pass string) bool { return slices.Contains(p.done, pass) }

// verifyOrder checks what passes need of those before them.
func (p *Plan) verifyOrder() error {
	for at, name := range p.done {
		i := slices.IndexFunc(Passes, func(pass Pass) bool { return pass.Name == name })
		var missing []string
		for _, order := range Passes[i].After {
			if !slices.Contains(p.done[:at], order.Pass) {
				missing = append(missing, fmt.Sprintf("%q (%s)", order.Pass, order.Because))
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%q has to come after %s", name, strings.Join(missing, " and "))
		}
	}
	return nil
}

// verifyPlaces checks that each tensor fits where it is.
func (p *Plan) verifyPlaces() error {
	for _, t := range p.tensors() {
		for at := t; ; {
			of, channel := at.Within()
			if of == nil {
				break
			}
			if of.Pixels() != at.Pixels() || of.DType != at.DType || channel < 0 || channel+at.C > of.C {
				return fmt.Errorf("%s is channels %d to %d of %s", at, channel, channel+at.C, of)
			}
			if _, over := at.Place.(Over); over && of.C != at.C {
				return fmt.Errorf("%s is over %s, which has other channels", at, of)
			}
			if at = of; at == t {
				return fmt.Errorf("%s is a part of itself", t)
			}
		}
	}
	return nil
}

// A memory is what is known, on the way through the operations, of a piece of memory.
type memory struct {
	known   map[*Tensor]bool // what was read or written
	stale   map[*Tensor]int  // what was written over, and by which operation
	written [][2]int         // ranges of channels that have values
}

// verifyReads walks through the operations and checks what they read and write over.
func (p *Plan) verifyReads() error {
	memories := map[*Tensor]*memory{}
	of := func(t *Tensor) *memory {
		whole := t.Whole()
		m, ok := memories[whole]
		if !ok {
			m = &memory{known: map[*Tensor]bool{}, stale: map[*Tensor]int{}}
			if _, input := whole.Place.(Input); input {
				m.written = [][2]int{{0, whole.C}}
			}
			memories[whole] = m
		}
		return m
	}
	buffered := map[*Buffered]bool{}
	read := func(who string, t *Tensor) error {
		m := of(t)
		m.known[t] = true
		if by, ok := m.stale[t]; ok {
			return fmt.Errorf("%s reads %s, which %s has written over", who, t, p.name(by))
		}
		if first, last := channels(t); !covered(m.written, first, last) {
			return fmt.Errorf("%s reads %s, which nothing has written", who, t)
		}
		return nil
	}
	readBuffer := func(who string, b *Buffered) error {
		if b != nil && b.Input < 0 && !buffered[b] {
			return fmt.Errorf("%s reads a buffer of %s, which nothing has made", who, b.Name)
		}
		return nil
	}
	for at, o := range p.Operations {
		for _, t := range o.Reads() {
			if err := read(p.name(at), t); err != nil {
				return err
			}
		}
		needs, makes := buffers(o)
		for _, b := range needs {
			if err := readBuffer(p.name(at), b); err != nil {
				return err
			}
		}
		for _, b := range makes {
			buffered[b] = true
		}
		for _, t := range o.Writes() {
			m := of(t)
			over := overwritten(t)
			if over != nil && !readsElementwise(o, over) {
				return fmt.Errorf("%s writes %s over %s, which it does not read element by element", p.name(at), t, over)
			}
			if by, ok := m.stale[t]; ok {
				return fmt.Errorf("%s writes %s, which %s has written over", p.name(at), t, p.name(by))
			}
			switch t.Place.(type) {
			case Over:
				for known := range m.known {
					m.stale[known] = at
				}
				m.written = nil
			case Output:
				if over != nil { // the input's own buffer, where it is given away
					input := of(over)
					for known := range input.known {
						input.stale[known] = at
					}
				}
			}
			m.known[t] = true
			first, last := channels(t)
			m.written = append(m.written, [2]int{first, last})
		}
	}
	for i, o := range p.Outputs {
		who := fmt.Sprintf("output %d", i)
		if o.Tensor != nil {
			if err := read(who, o.Tensor); err != nil {
				return err
			}
		}
		if err := readBuffer(who, o.Buffered); err != nil {
			return err
		}
	}
	return nil
}

// channels is the range of channels of its whole that a tensor is.
func channels(t *Tensor) (first, last int) {
	last = t.C
	for of, channel := t.Within(); of != nil; of, channel = of.Within() {
		first, last = first+channel, last+channel
	}
	return first, last
}

// covered reports whether ranges together have all from first to last.
func covered(ranges [][2]int, first, last int) bool {
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	for _, r := range sorted {
		if r[0] <= first {
			first = max(first, r[1])
		}
	}
	return first >= last
}

// overwritten is the tensor whose memory a result takes, or may take.
func overwritten(t *Tensor) *Tensor {
	switch place := t.Place.(type) {
	case Over:
		return place.Of
	case Output:
		return place.Over
	}
	return nil
}

// readsElementwise reports whether an operation reads each element of a tensor before, or
// when, it writes the result's element of the same place, and not afterwards.
func readsElementwise(o Operation, t *Tensor) bool {
	switch o := o.(type) {
	case *Convolution:
		return o.Residual == t && o.In.Whole() != t.Whole()
	case *Elementwise:
		return slices.ContainsFunc(o.Operands, func(operand Operand) bool { return operand.Tensor == t && operand.Broadcast == Whole })
	}
	return false
}

// buffers lists the buffers that an operation reads and makes.
func buffers(o Operation) (needs, makes []*Buffered) {
	switch o := o.(type) {
	case *Delegated:
		for _, s := range o.Inputs {
			needs = append(needs, s.Buffered)
		}
		for _, s := range o.Outputs {
			makes = append(makes, s.Buffered)
		}
	case *Random:
		return []*Buffered{o.State}, []*Buffered{o.Next}
	}
	return needs, makes
}

// verifyOutputs checks that outputs with memory of their own are in their buffers.
func (p *Plan) verifyOutputs() error {
	if !p.did(PlaceOutputs) {
		return nil
	}
	for i, o := range p.Outputs {
		if o.Tensor == nil || o.Tensor.InBuffer() {
			continue
		}
		if _, part := o.Tensor.Place.(Part); !part {
			return fmt.Errorf("output %d, %s, should be in its buffer, and is at %+v", i, o.Tensor, o.Tensor.Place)
		}
	}
	return nil
}

// verifyChosen checks that each operation has an implementation.
func (p *Plan) verifyChosen() error {
	if !p.did(ChooseKernels) {
		return nil
	}
	for at, o := range p.Operations {
		if o.Marked().Implementation == nil {
			return fmt.Errorf("%s has no implementation", p.name(at))
		}
	}
	return nil
}

// verifyArena checks that all that needs a place in the arena has one, of its own for as
// long as it is needed.
func (p *Plan) verifyArena() error {
	if !p.did(DivideArena) {
		return nil
	}
	all := p.lifetimes()
	for i, s := range all {
		if s.tensor.Place == nil {
			return fmt.Errorf("%s, from operation %d on, has no place in the arena", s.tensor, s.first+1)
		}
		if s.offset < 0 || s.offset+s.size > p.Arena {
			return fmt.Errorf("%s is at %d to %d of an arena of %d bytes", s.tensor, s.offset, s.offset+s.size, p.Arena)
		}
		for _, other := range all[:i] {
			if s.overlaps(other) && s.offset < other.offset+other.size && other.offset < s.offset+s.size {
				return fmt.Errorf("%s and %s are both needed at operation %d, and overlap in the arena", s.tensor, other.tensor, max(s.first, other.first)+1)
			}
		}
	}
	return nil
}
