package engine

import (
	"cmp"
	"slices"
)

// updateEarly computes the outputs that are updated variables, and sums of gradients, as
// soon as what they read is there, where they come late: so gradients need not be kept. A
// variable is updated after all that reads it, so that it can be in place. The outputs are
// read after the last operation.
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
	after := make([]int, len(operations))
	for at, o := range operations {
		after[at] = at
		if early(o, held) {
			last := -1
			for _, t := range o.reads() {
				t = t.whole()
				if by, ok := written[t]; ok {
					last = max(last, by)
				}
				if len(o.writes()) == 0 || !held[o.writes()[0]] {
					continue
				}
				for _, reader := range readers[t] {
					if reader < at {
						last = max(last, after[reader])
					}
				}
			}
			after[at] = last
		}
		for _, t := range o.writes() {
			written[t.whole()] = max(written[t.whole()], after[at])
		}
	}
	order := make([]int, len(operations))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(after[a], after[b]) })
	sorted := make([]operation, len(operations))
	for i, at := range order {
		sorted[i] = operations[at]
	}
	return sorted
}

// early reports whether an operation may be moved before others: those that make
// activations stay, for they may be computed late for a reason.
func early(o operation, held map[*tensor]bool) bool {
	switch o := o.(type) {
	case *reduction:
		return o.over == overAll
	case *elementwise:
		return !slices.ContainsFunc(o.writes(), func(t *tensor) bool { return !held[t] })
	}
	return false
}
