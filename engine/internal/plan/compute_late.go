package plan

import "slices"

// computeLate moves operations that compute activations again for gradients to just before
// the first that reads what they make, as long as that keeps nothing in memory for longer.
func computeLate(p *Plan) error {
	if !slices.ContainsFunc(p.Operations, func(o Operation) bool { return o.Marked().Again }) {
		return nil
	}
	readers := p.readers()
	before := make([]int, len(p.Operations)) // by operation: that which it goes before
	for at, o := range slices.Backward(p.Operations) {
		before[at] = at
		if !o.Marked().Again {
			continue
		}
		first := len(p.Operations)
		for _, t := range o.Writes() {
			for _, reader := range readers[t.Whole()] {
				if reader > at {
					first = min(first, before[reader])
				}
			}
		}
		longer := func(t *Tensor) bool {
			return t.Whole().InArena() && !slices.ContainsFunc(readers[t.Whole()], func(reader int) bool { return reader > at && before[reader] >= first })
		}
		if first < len(p.Operations) && !slices.ContainsFunc(o.Reads(), longer) {
			before[at] = first
		}
	}
	p.reorder(before)
	return nil
}
