package plan

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// A Copying writes a tensor into another of the same pixels and channels, which is a part
// of a whole.
type Copying struct {
	Marks
	In, Out *Tensor
}

func (o *Copying) Reads() []*Tensor  { return []*Tensor{o.In} }
func (o *Copying) Writes() []*Tensor { return []*Tensor{o.Out} }

func (o *Copying) Describe() Description {
	return Description{Name: "copy", Input: o.In.Dims(), Output: o.Out.Dims()}
}

// A Conversion copies a tensor's values to another type of elements. Of integers it makes
// (In - ZeroPoint) * Scale.
type Conversion struct {
	Marks
	In, Out          *Tensor
	Scale, ZeroPoint float32   // of integers
	To               Quantized // how they are made
}

func (o *Conversion) Reads() []*Tensor  { return []*Tensor{o.In} }
func (o *Conversion) Writes() []*Tensor { return []*Tensor{o.Out} }

func (o *Conversion) Describe() Description {
	return Description{Name: "convert", Input: o.In.Dims(), Output: o.Out.Dims()}
}

// A Reshaping copies a tensor's values, in their order, into other pixels and channels.
type Reshaping struct {
	Marks
	In, Out *Tensor
}

func (o *Reshaping) Reads() []*Tensor  { return []*Tensor{o.In} }
func (o *Reshaping) Writes() []*Tensor { return []*Tensor{o.Out} }

func (o *Reshaping) Describe() Description {
	return Description{Name: "reshape", Input: o.In.Dims(), Output: o.Out.Dims()}
}

// A Padding writes an image's pixels at a distance from each other, with a value between
// and around them; or leaves out pixels of its edges.
type Padding struct {
	Marks
	In, Out  *Tensor
	Value    float32
	Before   kernel.Pair // rows and columns before the first pixel; negative where pixels are left out
	Dilation kernel.Pair // distance of the pixels
}

func (o *Padding) Reads() []*Tensor  { return []*Tensor{o.In} }
func (o *Padding) Writes() []*Tensor { return []*Tensor{o.Out} }

func (o *Padding) Describe() Description {
	return Description{Name: "pad", Input: o.In.Dims(), Output: o.Out.Dims()}
}
