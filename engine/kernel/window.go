package kernel

// A Pair is a number for the height and one for the width.
type Pair struct{ Y, X int }

// Square is the pair of a number and itself.
func Square(n int) Pair { return Pair{n, n} }

// Area is the product of both.
func (p Pair) Area() int { return p.Y * p.X }

// A Window is what a convolution or a pooling slides over an image. Output pixel y, x reads
// under tap ky, kx what lies at
//
//	y*Stride.Y + ky*Dilation.Y - Padding.Y, x*Stride.X + kx*Dilation.X - Padding.X
//
// of the image with InputDilation-1 zeros put between its pixels, and nothing outside.
type Window struct {
	Kernel        Pair // height and width
	Stride        Pair
	Padding       Pair // rows above and columns before the image; negative where they are cut off
	Dilation      Pair // distance of the taps
	InputDilation Pair // distance of the image's pixels
}

// Sliding is a window whose pixels and taps are side by side, without padding.
func Sliding(size Pair) Window {
	return Window{Kernel: size, Stride: Square(1), Dilation: Square(1), InputDilation: Square(1)}
}

// Dense reports whether all distances are one: the window reads neighbours, at each pixel.
func (w Window) Dense() bool {
	return w.Stride == Square(1) && w.Dilation == Square(1) && w.InputDilation == Square(1)
}

// Pointwise reports whether a window reads just the pixel of the same place.
func (w Window) Pointwise() bool { return w == Sliding(Square(1)) }

// A Geometry is a window over images. It is all that the tables of pixels depend on.
type Geometry struct {
	Window
	Images  int
	In, Out Pair // height and width of an image, before and after
}
