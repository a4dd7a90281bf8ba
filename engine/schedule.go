package engine

import (
	"cmp"
	"slices"
)

// computeLate moves operations of a set, which compute activations again for gradients,
// to just before the first that reads what they make, as long as that keeps nothing in
// memory for longer.
func computeLate(operations []operation, again map[operation]bool) []operation {
	if len(again) == 0 {
		return operations
	}
	readers := map[*tensor][]int{} // by memory
	for at, o := range operations {
		for _, t := range o.reads() {
			readers[t.whole()] = append(readers[t.whole()], at)
		}
	}
	before := make([]int, len(operations)) // by operation: that which it goes before
	for at, o := range slices.Backward(operations) {
		before[at] = at
		if !again[o] {
			continue
		}
		first := len(operations)
		for _, t := range o.writes() {
			for _, reader := range readers[t.whole()] {
				if reader > at {
					first = min(first, before[reader])
				}
			}
		}
		longer := func(t *tensor) bool {
			return t.whole().buffer == 0 && !slices.ContainsFunc(readers[t.whole()], func(reader int) bool { return reader > at && before[reader] >= first })
		}
		if first < len(operations) && !slices.ContainsFunc(o.reads(), longer) {
			before[at] = first
		}
	}
	return inOrder(operations, before)
}

// inOrder sorts operations by a number for each; those of the same one stay in their
// order.
func inOrder(operations []operation, by []int) []operation {
	order := make([]int, len(operations))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(by[a], by[b]) })
	sorted := make([]operation, len(operations))
	for i, at := range order {
		sorted[i] = operations[at]
	}
	return sorted
}

// updateEarly computes what is made of variables and their gradients as soon as these are
// there: so gradients need not be kept. A variable is updated after all that reads it
// before, so that it can be in place. The outputs are read after the last operation.
func updateEarly(operations []operation, inputs, outputs []*tensor) []operation {
	held, input := map[*tensor]bool{}, map[*tensor]bool{}
	for _, t := range outputs {
		held[t] = true
	}
	for _, t := range inputs {
		if t != nil {
			input[t] = true
		}
	}
	readers := map[*tensor][]int{}
	for at, o := range operations {
		for _, t := range o.reads() {
			if input[t.whole()] {
				readers[t.whole()] = append(readers[t.whole()], at)
			}
		}
	}
	written := map[*tensor]int{} // by memory: the operation after which it is there
	moved := map[*tensor]bool{}  // a result of what may be moved
	after := make([]int, len(operations))
	for at, o := range operations {
		after[at] = at
		if early(o, input, moved) {
			last := -1
			for _, t := range o.reads() {
				if by, ok := written[t.whole()]; ok {
					last = max(last, by)
				}
			}
			for _, t := range overwritten(o, held) {
				for _, reader := range readers[t] {
					if reader < at {
						last = max(last, after[reader])
					}
				}
			}
			after[at] = last
			for _, t := range o.writes() {
				moved[t] = true
			}
		}
		for _, t := range o.writes() {
			written[t.whole()] = max(written[t.whole()], after[at])
		}
	}
	return inOrder(operations, after)
}

// overwritten lists what an operation reads that an output of it may be written over.
func overwritten(o operation, held map[*tensor]bool) []*tensor {
	e, ok := o.(*elementwise)
	if !ok || !slices.ContainsFunc(e.writes(), func(t *tensor) bool { return held[t] }) {
		return nil
	}
	var all []*tensor
	for _, operand := range e.operands {
		if operand.tensor != nil && operand.spread == whole {
			all = append(all, operand.tensor)
		}
	}
	return all
}

// early reports whether an operation may be moved before others: it reads variables and
// their gradients alone. Those that make activations stay, for they may be computed late
// for a reason.
func early(o operation, input, moved map[*tensor]bool) bool {
	switch o := o.(type) {
	case *reduction:
		if o.over != overAll {
			return false
		}
	case *elementwise:
	default:
		return false
	}
	return !slices.ContainsFunc(o.reads(), func(t *tensor) bool {
		return !input[t] && !moved[t] && !t.dense && t.pixels() > 1
	})
}
