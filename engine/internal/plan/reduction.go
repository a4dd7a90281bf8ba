package plan

// A Reduction sums the elements of a tensor, or finds their maxima.
type Reduction struct {
	Marks
	In, Out *Tensor
	Over    Reduced
	Maximum bool
	Squares bool // the sum is of the elements' squares
}

// Reduced is what a reduction is over.
type Reduced int

const (
	OverPixels   Reduced = iota // one result for each channel
	OverChannels                // one result for each pixel
	OverAll
)

func (o *Reduction) Reads() []*Tensor  { return []*Tensor{o.In} }
func (o *Reduction) Writes() []*Tensor { return []*Tensor{o.Out} }

func (o *Reduction) Describe() Description {
	return Description{Name: "reduction", Input: o.In.Dims(), Output: o.Out.Dims()}
}
