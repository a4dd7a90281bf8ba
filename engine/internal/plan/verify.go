package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
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
		i := slices.IndexFunc(passes, func(pass pass) bool { return pass.Name == name })
		var missing []string
		for _, order := range passes[i].After {
			if !slices.Contains(p.done[:at], order.pass) {
				missing = append(missing, fmt.Sprintf("%q (%s)", order.pass, order.because))
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
			of, channel, image := at.Within()
			if of == nil {
				break
			}
			if _, images := at.Place.(Images); images {
				if of.H != at.H || of.W != at.W || of.C != at.C || of.DType != at.DType || image < 0 || image+at.N > of.N {
					return fmt.Errorf("%s is images %d to %d of %s", at, image, image+at.N, of)
				}
			} else if of.Pixels() != at.Pixels() || of.DType != at.DType || channel < 0 || channel+at.C > of.C {
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
	holder  *Tensor  // what was last written over it, or nil
	by      int      // the operation that did
	written [][2]int // ranges of channels that have values, those of one image after another's
}

// A walk goes through the operations of a plan.
type walk struct {
	*Plan
	memories map[*Tensor]*memory
	buffered map[*Buffered]bool
}

// verifyReads walks through the operations and checks what they read and write over.
func (p *Plan) verifyReads() error {
	w := &walk{p, map[*Tensor]*memory{}, map[*Buffered]bool{}}
	for at, o := range p.Operations {
		if err := w.operation(at, o); err != nil {
			return err
		}
	}
	for i, o := range p.Outputs {
		who := fmt.Sprintf("output %d", i)
		if o.Tensor != nil {
			if err := w.read(who, o.Tensor); err != nil {
				return err
			}
		}
		if err := w.readBuffer(who, o.Buffered); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) operation(at int, o Operation) error {
	for _, t := range o.Reads() {
		if err := w.read(w.Name(at), t); err != nil {
			return err
		}
	}
	needs, makes := buffers(o)
	for _, b := range needs {
		if err := w.readBuffer(w.Name(at), b); err != nil {
			return err
		}
	}
	for _, b := range makes {
		w.buffered[b] = true
	}
	for _, t := range o.Writes() {
		if err := w.write(at, o, t); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) memory(t *Tensor) *memory {
	whole := t.Whole()
	m, ok := w.memories[whole]
	if !ok {
		m = &memory{}
		if _, input := whole.Place.(Input); input {
			m.written = [][2]int{{0, whole.N * whole.C}}
		}
		w.memories[whole] = m
	}
	return m
}

func (w *walk) read(who string, t *Tensor) error {
	m := w.memory(t)
	if m.holder != nil && !isWithin(t, m.holder) {
		return fmt.Errorf("%s reads %s, which %s has written over", who, t, w.Name(m.by))
	}
	for _, r := range channels(t) {
		if !covered(m.written, r[0], r[1]) {
			return fmt.Errorf("%s reads %s, which nothing has written", who, t)
		}
	}
	return nil
}

func (w *walk) readBuffer(who string, b *Buffered) error {
	if b == nil {
		return nil
	}
	if b.Input < 0 && !w.buffered[b] {
		return fmt.Errorf("%s reads a buffer of %s, which nothing has made", who, b.Name)
	}
	if b.Input >= 0 && w.Inputs[b.Input].Tensor != nil {
		return w.read(who, w.Inputs[b.Input].Tensor)
	}
	return nil
}

func (w *walk) write(at int, o Operation, t *Tensor) error {
	over := overwritten(t)
	if over != nil && !readsElementwise(o, over) {
		return fmt.Errorf("%s writes %s over %s, which it does not alone read element by element", w.Name(at), t, over)
	}
	m := w.memory(t)
	switch t.Place.(type) {
	case Over:
		m.holder, m.by, m.written = t, at, nil
	case Output:
		if over != nil { // the input's own buffer, where it is given away
			input := w.memory(over)
			input.holder, input.by = t, at
		}
	}
	for _, c := range channels(t) {
		for _, r := range m.written {
			if c[0] < r[1] && r[0] < c[1] {
				return fmt.Errorf("%s writes %s where there is something already", w.Name(at), t)
			}
		}
		m.written = append(m.written, c)
	}
	return nil
}

// isWithin reports whether a tensor is another or a part of it.
func isWithin(t, whole *Tensor) bool {
	for ; t != nil; t, _, _ = t.Within() {
		if t == whole {
			return true
		}
	}
	return false
}

// channels are the ranges of channels of its whole that a tensor is, those of one image after
// another's.
func channels(t *Tensor) (ranges [][2]int) {
	first, firstImage := 0, 0
	for of, channel, image := t.Within(); of != nil; of, channel, image = of.Within() {
		first, firstImage = first+channel, firstImage+image
	}
	whole := t.Whole()
	for image := range t.N {
		begin := (firstImage+image)*whole.C + first
		ranges = append(ranges, [2]int{begin, begin + t.C})
	}
	return ranges
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
// when, it writes the result's element of the same place, and nothing else of its memory.
func readsElementwise(o Operation, t *Tensor) bool {
	if readsOften(o, t.Whole()) {
		return false
	}
	switch o := o.(type) {
	case *Convolution:
		return o.Residual == t
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
	if !p.did(passPlaceOutputs) {
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
	if !p.did(passChooseKernels) {
		return nil
	}
	for at, o := range p.Operations {
		if o.Marked().Implementation == nil {
			return fmt.Errorf("%s has no implementation", p.Name(at))
		}
	}
	return nil
}

// verifyArena checks that all that needs a place in the arena has one, of its own for as
// long as it is needed.
func (p *Plan) verifyArena() error {
	if !p.did(passDivideArena) {
		return nil
	}
	all := p.lifetimes()
	for i, s := range all {
		if s.tensor.Place == nil {
			return fmt.Errorf("%s, from operation %d on, has no place in the arena", s.tensor, s.first+1)
		}
		if s.offset < 0 || s.offset%tuning.CacheLine != 0 || s.offset+s.size > p.Arena {
			return fmt.Errorf("%s is at %d to %d of an arena of %d bytes, which should begin a cache line inside", s.tensor, s.offset, s.offset+s.size, p.Arena)
		}
		for _, other := range all[:i] {
			if s.overlaps(other) && s.offset < other.offset+other.size && other.offset < s.offset+s.size {
				return fmt.Errorf("%s and %s are both needed at operation %d, and overlap in the arena", s.tensor, other.tensor, max(s.first, other.first)+1)
			}
		}
	}
	return nil
}
