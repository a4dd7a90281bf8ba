package plan

// placeOutputs gives outputs a buffer of their own from the beginning, where they are
// tensors with memory of their own. The others are copied at the end.
func placeOutputs(p *Plan) error {
	for i, o := range p.Outputs {
		if o.Tensor != nil && o.Tensor.Place == nil {
			o.Tensor.Place = Output{Index: i}
		}
	}
	return nil
}
