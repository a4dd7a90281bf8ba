package engine

// placeOutputs gives outputs a buffer of their own from the beginning, where they are
// tensors with memory of their own. The others are copied at the end.
func (p *program) placeOutputs() {
	for i := range p.outputs {
		o := &p.outputs[i]
		if o.tensor != nil && o.tensor.within == nil && o.tensor.buffer == 0 {
			o.buffer = 1 + len(p.inputs) + i
			o.tensor.buffer = o.buffer
		}
	}
}

// updateInPlace finds outputs that can be written over an input of the same shape, where
// the caller gives that away: nothing reads the input after the operation that computes
// the output, and that element by element.
func (p *program) updateInPlace(operations []operation) {
	last := map[*tensor]operation{} // that reads it
	kept := map[*tensor]bool{}      // read at the end
	for _, o := range operations {
		for _, t := range o.reads() {
			last[t.whole()] = o
		}
		if t, ok := o.(*tail); ok { // takes inputs in their buffers
			for _, v := range t.inputs {
				if a, ok := v.node.attrs.(parameterAttrs); ok && p.inputs[a.index] != nil {
					last[p.inputs[a.index]] = o
				}
			}
		}
	}
	input, result := map[*tensor]int{}, map[*tensor]*output{}
	for i, t := range p.inputs {
		if t != nil {
			input[t] = i
		}
	}
	for i := range p.outputs {
		o := &p.outputs[i]
		switch {
		case o.buffer > 0:
			result[o.tensor] = o
		case o.tensor != nil:
			kept[o.tensor.whole()] = true
		case o.value != nil:
			if a, ok := o.value.node.attrs.(parameterAttrs); ok && p.inputs[a.index] != nil {
				kept[p.inputs[a.index]] = true
			}
		}
	}
	for _, o := range operations {
		e, ok := o.(*elementwise)
		if !ok {
			continue
		}
		reads := map[*tensor]int{} // how many operands are in it
		for _, operand := range e.operands {
			if operand.tensor != nil {
				reads[operand.tensor.whole()]++
			}
		}
		for r := range e.results {
			to := result[e.results[r].tensor]
			if to == nil {
				continue
			}
			for i, operand := range e.operands {
				at, ok := input[operand.tensor]
				if !ok || operand.spread != whole || last[operand.tensor] != o || reads[operand.tensor] > 1 || kept[operand.tensor] ||
					!p.shapes[at].Equal(to.shape) {
					continue
				}
				to.over, e.results[r].over = 1+at, 1+i
				delete(input, operand.tensor)
				break
			}
		}
	}
}

// writeOver lets operations write their result over an operand in the arena that is not
// needed any more: convolutions over the residual that they add to, which takes one pass
// over memory less, and operations element by element. The outputs are read after the last
// operation.
func writeOver(operations []operation, outputs []*tensor) {
	needed := map[*tensor]int{} // by memory: the last operation that reads it
	for at, o := range operations {
		for _, t := range o.reads() {
			needed[t.whole()] = at
		}
	}
	for _, t := range outputs {
		needed[t.whole()] = len(operations)
	}
	over := func(at int, to, operand *tensor) bool {
		memory := operand.whole()
		if to.within != nil || to.buffer > 0 || memory.buffer > 0 || memory.c != to.c || memory.pixels() != to.pixels() || to.dense && !memory.dense ||
			needed[memory] != at || readsOften(operations[at], memory) {
			return false
		}
		needed[memory] = needed[to]
		to.within, to.channel = operand, 0
		return true
	}
	for at, o := range operations {
		switch o := o.(type) {
		case *convolution:
			if o.residual != nil {
				over(at, o.out, o.residual)
			}
		case *elementwise:
			for r := range o.results {
				for i, operand := range o.operands {
					if operand.tensor != nil && operand.spread == whole && over(at, o.results[r].tensor, operand.tensor) {
						o.results[r].over = 1 + i
						break
					}
				}
			}
		}
	}
}

// readsOften reports whether more than one thing that an operation reads is in the same
// memory.
func readsOften(o operation, memory *tensor) bool {
	n := 0
	for _, t := range o.reads() {
		if t.whole() == memory {
			n++
		}
	}
	return n > 1
}
