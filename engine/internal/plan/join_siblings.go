package plan

// joinSiblings puts convolutions that are siblings in the place of the first of them, if
// their weights are there: they are constant, or among the inputs. What is computed again
// for gradients is not to be computed with what was the first time.
func joinSiblings(p *Plan) error {
	var joined []Operation
	inputs := p.inputs()
	type kind struct {
		in             *Tensor
		trained, again bool
	}
	first := map[kind]int{} // index in joined
	for _, o := range p.Operations {
		c, ok := o.(*Convolution)
		if ok && c.Trained() {
			_, ok = inputs[c.Kernel]
		}
		if !ok || !c.Product() {
			joined = append(joined, o)
			continue
		}
		of := kind{c.In, c.Trained(), c.Again}
		at, ok := first[of]
		if !ok {
			first[of] = len(joined)
			joined = append(joined, o)
			continue
		}
		switch before := joined[at].(type) {
		case *Convolution:
			joined[at] = &Siblings{Marks: Marks{Again: before.Again}, Convolutions: []*Convolution{before, c}}
		case *Siblings:
			before.Convolutions = append(before.Convolutions, c)
		}
	}
	p.Operations = joined
	return nil
}
