package plan

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// A Pooling takes the maximum, or the weighted sum, over a window of each channel. Cells
// in the padding do not count. Weighted sums of integers are rounded to such, as [Quantized]
// are.
type Pooling struct {
	Marks
	In, Out *Tensor
	Maximum bool
	Window  kernel.Window
	Weights []float32 // of a sum, by output pixel of one image: [Out.H * Out.W]
	Bias    []float32 // [Out.C]: what is added to a weighted sum, or nil
	ReLU    bool
}

func (o *Pooling) Reads() []*Tensor  { return []*Tensor{o.In} }
func (o *Pooling) Writes() []*Tensor { return []*Tensor{o.Out} }

// Geometry is the window over the images.
func (o *Pooling) Geometry() kernel.Geometry {
	return kernel.Geometry{Window: o.Window, Images: o.In.N, In: o.In.Image(), Out: o.Out.Image()}
}

func (o *Pooling) Describe() Description {
	return describePooling(o.Maximum, "pool", o.In, o.Out, o.Window)
}

func describePooling(maximum bool, what string, in, out *Tensor, w kernel.Window) Description {
	name := "sum " + what
	if maximum {
		name = "max " + what
	}
	d := describeWindow(name, in, out, w)
	d.MultiplyAdds = 0
	return d
}

// A PoolingGradient is the gradient of a pooling with respect to its input.
type PoolingGradient struct {
	Marks
	In       *Tensor // of a maximum: what it was of
	Gradient *Tensor // with respect to the pooling's output
	To       *Tensor // the gradient with respect to its input
	Maximum  bool
	Window   kernel.Window
	Weights  []float32 // of a sum, as the pooling's
}

func (o *PoolingGradient) Reads() []*Tensor  { return present(o.In, o.Gradient) }
func (o *PoolingGradient) Writes() []*Tensor { return []*Tensor{o.To} }

// Geometry is the pooling's window over the images.
func (o *PoolingGradient) Geometry() kernel.Geometry {
	return kernel.Geometry{Window: o.Window, Images: o.To.N, In: o.To.Image(), Out: o.Gradient.Image()}
}

func (o *PoolingGradient) Describe() Description {
	return describePooling(o.Maximum, "pool gradient", o.Gradient, o.To, o.Window)
}
