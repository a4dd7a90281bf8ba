package plan

// writeOver lets operations write their result over an operand in the arena that is not
// needed any more: convolutions over the residual that they add to, which takes one pass
// over memory less, and operations element by element.
func writeOver(p *Plan) error {
	needed := p.lastReads()
	for at, o := range p.Operations {
		over := func(to, operand *Tensor) bool {
			memory := operand.Whole()
			if to.Place != nil || !memory.InArena() || memory.C != to.C || memory.DType != to.DType || memory.Pixels() != to.Pixels() ||
				to.Dense && !memory.Dense || needed[memory] != at || readsOften(o, memory) {
				return false
			}
			needed[memory] = needed[to]
			to.Place = Over{operand}
			return true
		}
		switch o := o.(type) {
		case *Convolution:
			if o.Residual != nil {
				over(o.Out, o.Residual)
			}
		case *Elementwise:
			for _, result := range o.Results {
				for _, operand := range o.Operands {
					if operand.Tensor != nil && operand.Broadcast == Whole && over(result.Tensor, operand.Tensor) {
						break
					}
				}
			}
		}
	}
	return nil
}

// lastReads finds the last operation that reads a tensor's memory, by that memory; outputs
// are read after all operations.
func (p *Plan) lastReads() map[*Tensor]int {
	last := map[*Tensor]int{}
	for at, o := range p.Operations {
		for _, t := range o.Reads() {
			last[t.Whole()] = at
		}
	}
	for _, t := range p.Held() {
		last[t.Whole()] = len(p.Operations)
	}
	return last
}

// readsOften reports whether more than one thing that an operation reads is in the same
// memory.
func readsOften(o Operation, memory *Tensor) bool {
	n := 0
	for _, t := range o.Reads() {
		if t.Whole() == memory {
			n++
		}
	}
	return n > 1
}
