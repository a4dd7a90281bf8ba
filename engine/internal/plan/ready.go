package plan

// Ready lists, for each operation, the outputs in buffers of their own that have their
// values after it: nothing later reads or writes their memory.
func (p *Plan) Ready() [][]int {
	last := map[*Tensor]int{}
	for at, o := range p.Operations {
		for _, t := range o.Reads() {
			last[t.Whole()] = at
		}
		for _, t := range o.Writes() {
			last[t.Whole()] = at
		}
	}
	ready := make([][]int, len(p.Operations))
	for i, o := range p.Outputs {
		if !p.InOwnBuffer(i) {
			continue
		}
		if at, ok := last[o.Tensor.Whole()]; ok {
			ready[at] = append(ready[at], i)
		}
	}
	return ready
}
