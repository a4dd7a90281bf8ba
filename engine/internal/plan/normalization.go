package plan

// A Normalization is batch norm with the batch's statistics, by channel:
//
//	Out = activation((In - Mean) / sqrt(Variance + Epsilon) * Scale + Offset)
type Normalization struct {
	Marks
	In, Scale, Offset   *Tensor
	Out, Mean, Variance *Tensor // Out may be nil: nothing needs it
	Epsilon             float32
	ReLU                bool
	Known               bool // Mean and Variance are computed already
	Node                int  // that it computes, in the order in which they were recorded
}

func (o *Normalization) Reads() []*Tensor {
	if o.Known {
		return []*Tensor{o.In, o.Scale, o.Offset, o.Mean, o.Variance}
	}
	return []*Tensor{o.In, o.Scale, o.Offset}
}

func (o *Normalization) Writes() []*Tensor {
	if o.Known {
		return []*Tensor{o.Out}
	}
	return present(o.Out, o.Mean, o.Variance)
}

func (o *Normalization) Describe() Description {
	return Description{Name: "batch norm", Input: o.In.Dims(), Output: o.In.Dims()}
}

// A NormalizationGradient is the gradient of a Normalization: with an Offset, of one with
// ReLU, whose sign is computed again.
type NormalizationGradient struct {
	Marks
	In, Scale, Offset, Mean, Variance, Gradient *Tensor // Offset may be nil
	ToIn, ToScale, ToOffset                     *Tensor
	Epsilon                                     float32
	Node                                        int // as in Normalization
}

func (o *NormalizationGradient) Reads() []*Tensor {
	return present(o.In, o.Scale, o.Offset, o.Mean, o.Variance, o.Gradient)
}

func (o *NormalizationGradient) Writes() []*Tensor {
	return []*Tensor{o.ToIn, o.ToScale, o.ToOffset}
}

func (o *NormalizationGradient) Describe() Description {
	return Description{Name: "batch norm gradient", Input: o.In.Dims(), Output: o.ToIn.Dims()}
}
