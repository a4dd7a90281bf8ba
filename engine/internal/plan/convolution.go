package plan

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// A Convolution computes
//
//	Out = activation(Scale * sum over the window of In * weights + Bias [+ Residual])
//
// for [n, h, w, c] pixels. Dense layers are convolutions of one pixel. The gradient of a
// convolution with respect to its input is one too: the channels of the weights change
// places, their window is flipped, and the stride becomes the input's dilation.
//
// Where In is of unsigned integers, so are the sums, of In - ZeroPoint and Integers; Residual and
// Out are bfloat16, or Out integers too that are made of the result; and so may be what is made of
// float32 with a stride. Where In is bfloat16, so are the weights, or
// they are rounded to it, and Out, but of trained weights, where it may be float32.
type Convolution struct {
	Marks
	In, Residual, Out *Tensor // Residual may be nil
	Window            kernel.Window
	Weights           []float32 // [height][width][In.C][Out.C], where they are constant,
	Kernel            *Tensor   // or the same as pixels of Out.C channels
	Transposed        bool      // Weights and Kernel have [Out.C][In.C]
	Flipped           bool      // Kernel has the window's last row and column first
	Scale, Bias       []float32 // [Out.C]: of the weights, and what is added; nil for 1 and 0
	ReLU              bool
	Rounded           bool // Out, float32, is rounded to bfloat16

	Integers  []int8    // constant weights, in the place of Weights, where In is of integers
	ZeroPoint float32   // of In
	Quantized *Tensor   // integers that are made of the result beside Out; or nil
	To        Quantized // how integers are made of the result
}

// Quantized is how unsigned integers of 8 bits are made of values: value*Inverse + ZeroPoint,
// rounded to the nearest, of two to the even one, and limited to 0 and 255.
type Quantized struct{ Inverse, ZeroPoint float32 }

func (o *Convolution) Reads() []*Tensor  { return present(o.In, o.Residual, o.Kernel) }
func (o *Convolution) Writes() []*Tensor { return present(o.Out, o.Quantized) }

// Trained reports whether the weights are computed or given in each run.
func (o *Convolution) Trained() bool { return o.Kernel != nil }

// Geometry is the window over the images.
func (o *Convolution) Geometry() kernel.Geometry {
	return kernel.Geometry{Window: o.Window, Images: o.In.N, In: o.In.Image(), Out: o.Out.Image()}
}

// Pointwise reports whether each output pixel reads just the input's pixel of the same
// place.
func (o *Convolution) Pointwise() bool {
	return o.Window.Pointwise() && o.In.Pixels() == o.Out.Pixels()
}

// Product reports whether the convolution is a product of single pixels and weights,
// without a residual and of one result.
func (o *Convolution) Product() bool {
	return o.Pointwise() && o.Residual == nil && o.Quantized == nil
}

func (o *Convolution) Describe() Description {
	return describeWindow("convolution", o.In, o.Out, o.Window)
}

// describeWindow is for convolutions and their gradients.
func describeWindow(name string, in, out *Tensor, w kernel.Window) Description {
	return Description{
		Name: name, Input: in.Dims(), Output: out.Dims(),
		Window: [2]int{w.Kernel.Y, w.Kernel.X}, Stride: [2]int{w.Stride.Y, w.Stride.X},
		MultiplyAdds: int64(w.Kernel.Area()) * int64(in.C) * int64(out.Pixels()) * int64(out.C),
	}
}

// Siblings are convolutions of the same single pixels. Computed together they read each
// pixel once.
type Siblings struct {
	Marks
	Convolutions []*Convolution
}

func (o *Siblings) Reads() []*Tensor {
	all := []*Tensor{o.Convolutions[0].In}
	for _, c := range o.Convolutions {
		all = append(all, present(c.Kernel)...)
	}
	return all
}

func (o *Siblings) Writes() []*Tensor {
	var all []*Tensor
	for _, c := range o.Convolutions {
		all = append(all, c.Out)
	}
	return all
}

// Describe is what the siblings are as one convolution.
func (o *Siblings) Describe() Description {
	d := o.Convolutions[0].Describe()
	for _, c := range o.Convolutions[1:] {
		d.Output[3] += c.Out.C
		d.MultiplyAdds += c.Describe().MultiplyAdds
	}
	return d
}

// A WeightGradient is the gradient of a convolution with respect to its weights.
type WeightGradient struct {
	Marks
	In, Gradient *Tensor // the convolution's input, and the gradient with respect to its output
	Window       kernel.Window
	To           *Tensor // [height][width][In.C][Gradient.C], float32
	Rounded      bool    // to bfloat16
}

func (o *WeightGradient) Reads() []*Tensor  { return []*Tensor{o.In, o.Gradient} }
func (o *WeightGradient) Writes() []*Tensor { return []*Tensor{o.To} }

// Geometry is the window over the images, of the convolution.
func (o *WeightGradient) Geometry() kernel.Geometry {
	return kernel.Geometry{Window: o.Window, Images: o.In.N, In: o.In.Image(), Out: o.Gradient.Image()}
}

// Pointwise reports whether each pixel of the gradient belongs to the input's pixel of the
// same place alone.
func (o *WeightGradient) Pointwise() bool {
	return o.Window.Pointwise() && o.In.Pixels() == o.Gradient.Pixels()
}

func (o *WeightGradient) Describe() Description {
	return describeWindow("weight gradient", o.In, o.Gradient, o.Window)
}
