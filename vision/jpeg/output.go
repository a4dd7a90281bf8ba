package jpeg

import (
	"fmt"
	"image"
)

// colours says what the components of a picture are.
type colours int

const (
	grey colours = iota
	yCbCr
	rgb
	cmyk // as Adobe stores it, inverted
	ycck
)

// A plane is a component on its way to pixels.
type plane struct {
	component *component
	side      int // samples of a block
	transform transform
	// width and height are in samples; what blocks have beyond them is not used.
	width, height int
	// samples are the rows of two rows of units: row y is [y%rows].
	samples      []uint8
	stride, rows int
	// A pixel x, y lies at sample x*wide/wideOf, y*tall/tallOf.
	wide, wideOf, tall, tallOf int

	upsample func(p *plane, y, from, to int) []uint8
	row      []uint8
	sums     []int16
}

// An output turns rows of units into rows of pixels.
type output struct {
	colours  colours
	planes   []plane
	height   int // of the whole picture, at its denominator
	unitRows int // pixels
	lag      int // rows of pixels that wait for the next row of units
	region   image.Rectangle
	picture  *Picture
	next     int // row of pixels
	up       [4][]uint8
}

// padding is what kernels may read or write behind a row.
const padding = 64

func newOutput(f *frame, c colours, o Options) (*output, error) {
	smallest := 8 / o.Denominator
	width, height := reduced(f.width, o.Denominator), reduced(f.height, o.Denominator)
	whole := image.Rect(0, 0, width, height)
	region := o.Region
	if region.Empty() {
		region = whole
	}
	if !region.In(whole) {
		return nil, fmt.Errorf("the part %v of a picture of %d x %d pixels is to be decoded, expected one inside it", region, width, height)
	}
	out := &output{
		colours: c, planes: make([]plane, len(f.components)), height: height, unitRows: f.maxV * smallest, region: region,
		picture: &Picture{region.Dx(), region.Dy(), make([]uint8, 3*region.Dx()*region.Dy())},
	}
	for i := range out.planes {
		p := &out.planes[i]
		p.component = &f.components[i]
		h, v := p.component.h, p.component.v
		// Components of fewer samples are reduced less, where that spares to interpolate them.
		p.side = smallest
		for p.side < 8 && f.maxH*smallest%(2*h*p.side) == 0 && f.maxV*smallest%(2*v*p.side) == 0 {
			p.side *= 2
		}
		p.transform = map[int]transform{1: transform1, 2: kernels.transform2, 4: kernels.transform4, 8: kernels.transform8}[p.side]
		p.wide, p.wideOf, p.tall, p.tallOf = h*p.side, f.maxH*smallest, v*p.side, f.maxV*smallest
		p.width, p.height = ceil(f.width*p.wide, 8*f.maxH), ceil(f.height*p.tall, 8*f.maxV)
		p.stride = p.component.blocksX*p.side + padding
		p.rows = 2 * v * p.side
		p.samples = make([]uint8, p.rows*p.stride+padding)
		interpolate := smallest > 1
		switch {
		case p.wide == p.wideOf && p.tall == p.tallOf:
			p.upsample = (*plane).same
		case p.wideOf == 2*p.wide && p.tall == p.tallOf && interpolate && p.width > 2:
			p.upsample = (*plane).twiceAsWide
		case p.wideOf == 2*p.wide && p.tallOf == 2*p.tall && interpolate && p.width > 2:
			p.upsample = (*plane).twiceAsBig
			out.lag = 1
		case p.wide == p.wideOf && p.tallOf == 2*p.tall && interpolate:
			p.upsample = (*plane).twiceAsTall
			out.lag = 1
		default:
			p.upsample = (*plane).nearest
		}
		p.row = make([]uint8, width+2*padding)
		p.sums = make([]int16, p.width+2*padding)
	}
	return out, nil
}

// units takes a row of units: for each component, coefficients [v][blocksX][64] and a block more.
func (out *output) units(y int, coefficients [][]int16) {
	last := (y+1)*out.unitRows - out.lag
	end := last >= out.height-out.lag && (y+1)*out.unitRows >= out.height
	if end {
		last = out.height
	}
	// Rows of units that no wanted pixel needs are not transformed.
	if (y+1)*out.unitRows+out.lag > out.region.Min.Y && y*out.unitRows-out.lag < out.region.Max.Y {
		for i := range out.planes {
			p := &out.planes[i]
			c := p.component
			for v := range c.v {
				row := (y*c.v + v) * p.side % p.rows
				p.transform(p.samples[row*p.stride:], p.stride, coefficients[i][v*c.blocksX*64:], c.quant, c.blocksX)
			}
		}
	}
	for ; out.next < last; out.next++ {
		if y := out.next; y >= out.region.Min.Y && y < out.region.Max.Y {
			out.convert(y)
		}
	}
}

// convert writes a row of pixels.
func (out *output) convert(y int) {
	from, to := out.region.Min.X, out.region.Max.X
	for i := range out.planes {
		p := &out.planes[i]
		out.up[i] = p.upsample(p, y, from, to)
	}
	n := to - from
	dst := out.picture.Pix[(y-out.region.Min.Y)*3*n:][:3*n]
	a, b, c, k := out.up[0], out.up[1], out.up[2], out.up[3]
	switch out.colours {
	case grey:
		for x, v := range a[:n] {
			p := (*[3]uint8)(dst[3*x:])
			p[0], p[1], p[2] = v, v, v
		}
	case rgb:
		b, c := b[:n], c[:n]
		for x, v := range a[:n] {
			p := (*[3]uint8)(dst[3*x:])
			p[0], p[1], p[2] = v, b[x], c[x]
		}
	case yCbCr:
		kernels.convert(dst, a, b, c)
	case cmyk:
		b, c, k := b[:n], c[:n], k[:n]
		for x, v := range a[:n] {
			p := (*[3]uint8)(dst[3*x:])
			p[0], p[1], p[2] = times(v, k[x]), times(b[x], k[x]), times(c[x], k[x])
		}
	case ycck:
		// What is transformed are the inks, of which 255 less is stored.
		kernels.convert(dst, a, b, c)
		k := k[:n]
		for x, v := range k {
			p := (*[3]uint8)(dst[3*x:])
			p[0], p[1], p[2] = times(255-p[0], v), times(255-p[1], v), times(255-p[2], v)
		}
	}
}

// times is a*b/255, rounded.
func times(a, b uint8) uint8 {
	v := uint32(a)*uint32(b) + 128
	return uint8((v + v>>8) >> 8)
}
