package plan

import "slices"

// updateEarly computes what is made of variables and their gradients as soon as these are
// there: so gradients need not be kept. A variable is updated after all that reads it
// before, so that it can be in place.
func updateEarly(p *Plan) error {
	held := map[*Tensor]bool{}
	for _, t := range p.Held() {
		held[t] = true
	}
	inputs := p.inputs()
	readers := p.readers()
	written := map[*Tensor]int{} // by memory: the operation after which it is there
	moved := map[*Tensor]bool{}  // a result of what may be moved
	after := make([]int, len(p.Operations))
	for at, o := range p.Operations {
		after[at] = at
		if early(o, inputs, moved) {
			last := -1
			for _, t := range o.Reads() {
				if by, ok := written[t.Whole()]; ok {
					last = max(last, by)
				}
			}
			for _, t := range mayOverwrite(o, held) {
				if _, ok := inputs[t]; !ok {
					continue
				}
				for _, reader := range readers[t] {
					if reader < at {
						last = max(last, after[reader])
					}
				}
			}
			after[at] = last
			for _, t := range o.Writes() {
				moved[t] = true
			}
		}
		for _, t := range o.Writes() {
			written[t.Whole()] = max(written[t.Whole()], after[at])
		}
	}
	p.reorder(after)
	return nil
}

// mayOverwrite lists what an operation reads that an output of it may be written over.
func mayOverwrite(o Operation, held map[*Tensor]bool) []*Tensor {
	e, ok := o.(*Elementwise)
	if !ok || !slices.ContainsFunc(e.Writes(), func(t *Tensor) bool { return held[t] }) {
		return nil
	}
	var all []*Tensor
	for _, operand := range e.Operands {
		if operand.Tensor != nil && operand.Broadcast == Whole {
			all = append(all, operand.Tensor)
		}
	}
	return all
}

// early reports whether an operation may be moved before others: it reads variables and
// their gradients alone. Those that make activations stay, for they may be computed late
// for a reason.
func early(o Operation, inputs map[*Tensor]int, moved map[*Tensor]bool) bool {
	switch o := o.(type) {
	case *Reduction:
		if o.Over != OverAll {
			return false
		}
	case *Elementwise:
	default:
		return false
	}
	return !slices.ContainsFunc(o.Reads(), func(t *Tensor) bool {
		_, input := inputs[t]
		return !input && !moved[t] && !t.Dense && t.Pixels() > 1
	})
}
