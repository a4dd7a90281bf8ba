package plan

// updateInPlace finds outputs that can be written over an input of the same shape, where
// the caller gives that away: nothing reads the input after the operation that computes
// the output, and that element by element.
func updateInPlace(p *Plan) error {
	last := map[*Tensor]Operation{} // that reads it
	for _, o := range p.Operations {
		for _, t := range o.Reads() {
			last[t.Whole()] = o
		}
	}
	inputs := p.inputs()
	kept := map[*Tensor]bool{} // read at the end
	for i, o := range p.Outputs {
		if o.Tensor != nil && !p.InOwnBuffer(i) {
			kept[o.Tensor.Whole()] = true
		}
		if o.Buffered != nil && o.Buffered.Input >= 0 && p.Inputs[o.Buffered.Input].Tensor != nil {
			kept[p.Inputs[o.Buffered.Input].Tensor] = true
		}
	}
	for _, o := range p.Operations {
		e, ok := o.(*Elementwise)
		if !ok {
			continue
		}
		reads := map[*Tensor]int{} // how many operands are in it
		for _, t := range e.Reads() {
			reads[t.Whole()]++
		}
		for _, result := range e.Results {
			to, ok := result.Tensor.Place.(Output)
			if !ok {
				continue
			}
			for _, operand := range e.Operands {
				at, ok := inputs[operand.Tensor]
				if !ok || operand.Broadcast != Whole || last[operand.Tensor] != o || reads[operand.Tensor] > 1 || kept[operand.Tensor] ||
					!p.Inputs[at].Shape.Equal(p.Outputs[to.Index].Shape) {
					continue
				}
				result.Tensor.Place = Output{Index: to.Index, Over: operand.Tensor}
				delete(inputs, operand.Tensor)
				break
			}
		}
	}
	return nil
}
