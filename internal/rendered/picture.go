package rendered

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// Side is the width and height of the pictures in pixels.
const Side = 96

// A canvas is a picture that is being drawn.
type canvas struct {
	random *rand.Rand
	pixels *image.RGBA
	raster vector.Rasterizer
}

// picture draws a figure at a random place among other things.
func picture(f figure, random *rand.Rand) *image.RGBA {
	c := &canvas{random: random, pixels: image.NewRGBA(image.Rect(0, 0, Side, Side))}
	c.background()
	for range 3 + random.IntN(4) {
		c.scrap()
	}
	for range 1 + random.IntN(3) {
		c.stroke()
	}
	c.figure(f)
	for range random.IntN(3) {
		c.stroke()
	}
	c.grain()
	return c.pixels
}

// between draws a number from low to high.
func (c *canvas) between(low, high float64) float64 { return low + (high-low)*c.random.Float64() }

func (c *canvas) place() point { return point{c.between(0, Side), c.between(0, Side)} }

func (c *canvas) colour() color.RGBA {
	return color.RGBA{uint8(c.random.IntN(256)), uint8(c.random.IntN(256)), uint8(c.random.IntN(256)), 255}
}

// background blends four random colours from the corners.
func (c *canvas) background() {
	var corners [4][3]float64
	for i := range corners {
		for j := range corners[i] {
			corners[i][j] = c.between(10, 130)
		}
	}
	for y := range Side {
		v := float64(y) / (Side - 1)
		for x := range Side {
			u := float64(x) / (Side - 1)
			pixel := c.pixels.Pix[c.pixels.PixOffset(x, y):][:4]
			for j := range 3 {
				top := corners[0][j] + u*(corners[1][j]-corners[0][j])
				bottom := corners[2][j] + u*(corners[3][j]-corners[2][j])
				pixel[j] = uint8(top + v*(bottom-top))
			}
			pixel[3] = 255
		}
	}
}

// fill draws paths, anti-aliased.
func (c *canvas) fill(with image.Image, paths ...path) {
	c.raster.Reset(Side, Side)
	for _, p := range paths {
		c.raster.MoveTo(float32(p[0].x), float32(p[0].y))
		for _, at := range p[1:] {
			c.raster.LineTo(float32(at.x), float32(at.y))
		}
		c.raster.ClosePath()
	}
	c.raster.DrawOp = draw.Over
	c.raster.Draw(c.pixels, c.pixels.Bounds(), with, image.Point{})
}

// scrap is a small polygon of three to six corners.
func (c *canvas) scrap() {
	at, radius := c.place(), c.between(3, 12)
	corners := 3 + c.random.IntN(4)
	turn := c.between(0, 2*math.Pi)
	p := make(path, corners)
	for i := range p {
		corner := polar(turn+2*math.Pi*float64(i)/float64(corners), radius*c.between(0.6, 1.2))
		p[i] = point{at.x + corner.x, at.y + corner.y}
	}
	c.fill(image.NewUniform(c.colour()), p)
}

// stroke is a thin line across.
func (c *canvas) stroke() {
	from, to := c.place(), c.place()
	length := math.Hypot(to.x-from.x, to.y-from.y)
	if length < 1 {
		return
	}
	half := c.between(0.5, 1.4)
	across := point{half * (from.y - to.y) / length, half * (to.x - from.x) / length}
	c.fill(image.NewUniform(c.colour()), path{
		{from.x + across.x, from.y + across.y}, {to.x + across.x, to.y + across.y},
		{to.x - across.x, to.y - across.y}, {from.x - across.x, from.y - across.y},
	})
}

// figure draws the figure, turned, stretched and moved, in one colour or in stripes of
// two.
func (c *canvas) figure(f figure) {
	size := c.between(0.24, 0.4) * Side
	wide, high := size*c.between(0.8, 1.2), size*c.between(0.8, 1.2)
	sin, cos := math.Sincos(c.between(0, 2*math.Pi))
	if c.random.IntN(2) == 0 {
		wide = -wide
	}
	reach := math.Hypot(math.Abs(wide), math.Abs(high)) / math.Sqrt2
	at := point{c.between(reach, Side-reach), c.between(reach, Side-reach)}
	paths := f.paths()
	for _, p := range paths {
		for i, corner := range p {
			x, y := wide*corner.x, high*corner.y
			p[i] = point{at.x + x*cos - y*sin, at.y + x*sin + y*cos}
		}
	}
	first, second := c.light(), color.RGBA{}
	if c.random.IntN(3) > 0 {
		c.fill(image.NewUniform(first), paths...)
		return
	}
	second = c.light()
	c.fill(stripes{first, second, c.between(0, math.Pi), c.between(5, 12)}, paths...)
}

// light draws a colour that is lighter than the background.
func (c *canvas) light() color.RGBA {
	for {
		candidate := c.colour()
		if luma, _, _ := color.RGBToYCbCr(candidate.R, candidate.G, candidate.B); luma >= 140 {
			return candidate
		}
	}
}

// grain adds noise to every pixel.
func (c *canvas) grain() {
	deviation := c.between(2, 8)
	for i := range c.pixels.Pix {
		if i%4 != 3 {
			c.pixels.Pix[i] = uint8(min(max(float64(c.pixels.Pix[i])+deviation*c.random.NormFloat64(), 0), 255))
		}
	}
}

// stripes is a picture without ends of two colours in turn.
type stripes struct {
	first, second color.RGBA
	angle         float64
	width         float64 // of both together, in pixels
}

func (s stripes) ColorModel() color.Model { return color.RGBAModel }

func (s stripes) Bounds() image.Rectangle { return image.Rect(-1e9, -1e9, 1e9, 1e9) }

func (s stripes) At(x, y int) color.Color {
	sin, cos := math.Sincos(s.angle)
	if along := (float64(x)*cos + float64(y)*sin) / s.width; along-math.Floor(along) < 0.5 {
		return s.first
	}
	return s.second
}
