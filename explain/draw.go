package explain

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Map says how much the cells of a grid over an image speak for something: above 0 for it,
// below against it.
type Map struct {
	Height, Width int
	Values        []float32 // [Height, Width], rows first
}

// Largest is the largest absolute value, which the ends of the colour scale stand for.
func (m Map) Largest() float32 {
	var largest float32
	for _, v := range m.Values {
		largest = max(largest, float32(math.Abs(float64(v))))
	}
	return largest
}

// at interpolates between the centres of cells, for a place from 0 to 1 on each axis.
func (m Map) at(x, y float64) float64 {
	along := func(at float64, cells int) (low, high int, share float64) {
		place := min(max(at*float64(cells)-0.5, 0), float64(cells-1))
		low = int(place)
		return low, min(low+1, cells-1), place - float64(low)
	}
	left, right, across := along(x, m.Width)
	top, bottom, down := along(y, m.Height)
	row := func(y int) float64 {
		return (1-across)*float64(m.Values[y*m.Width+left]) + across*float64(m.Values[y*m.Width+right])
	}
	return (1-down)*row(top) + down*row(bottom)
}

// check refuses maps without values.
func (m Map) check() error {
	if m.Height < 1 || m.Width < 1 || len(m.Values) != m.Height*m.Width {
		return fmt.Errorf("a map of %d x %d cells has %d values, expected at least one cell and a value for each", m.Height, m.Width, len(m.Values))
	}
	return nil
}

// The colours of what speaks for and against, which those who see no red or green tell apart.
var (
	speaksFor     = [3]float64{214, 47, 39}
	speaksAgainst = [3]float64{44, 105, 190}
)

// mostCover is how much of the picture the strongest colour hides.
const mostCover = 0.75

// coloured puts the colour of a value, from -1 to 1, over a shade of grey.
func coloured(grey, value float64) color.NRGBA {
	colour := speaksFor
	if value < 0 {
		colour = speaksAgainst
	}
	cover := mostCover * min(math.Abs(value), 1)
	mix := func(i int) uint8 { return uint8(math.Round((1-cover)*grey + cover*colour[i])) }
	return color.NRGBA{mix(0), mix(1), mix(2), 255}
}

// The layout of a picture, in pixels.
const (
	leastSide = 299 // of a panel
	gap       = 12
	barWidth  = 18
	textWidth = 64
	textSize  = 13
)

// Draw puts three things side by side: an image, the same in grey with a map's colours over
// it, red for what is above 0 and blue for what is below, and the scale of the colours.
func Draw(of *vision.Image, m Map) (image.Image, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	side := max(leastSide, of.Width, of.Height)
	shown, err := vision.Resize(of, side*of.Width/max(of.Width, of.Height), side*of.Height/max(of.Width, of.Height), vision.Bicubic)
	if err != nil {
		return nil, err
	}
	width, height := shown.Width, shown.Height
	picture := image.NewNRGBA(image.Rect(0, 0, 5*gap+2*width+barWidth+textWidth, height+2*gap))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	largest := float64(m.Largest())
	scaled := func(v float64) float64 {
		if largest == 0 {
			return 0
		}
		return v / largest
	}
	overlay, bar := gap+width+gap, gap+2*(width+gap)
	for y := range height {
		for x := range width {
			p := shown.Pix[3*(y*width+x):]
			picture.SetNRGBA(gap+x, gap+y, color.NRGBA{p[0], p[1], p[2], 255})
			grey := 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
			v := m.at((float64(x)+0.5)/float64(width), (float64(y)+0.5)/float64(height))
			picture.SetNRGBA(overlay+x, gap+y, coloured(grey, scaled(v)))
		}
		const paper = 200 // behind the scale
		for x := range barWidth {
			picture.SetNRGBA(bar+x, gap+y, coloured(paper, 1-2*float64(y)/float64(max(height-1, 1))))
		}
	}
	face, err := textFace()
	if err != nil {
		return nil, err
	}
	write := func(y int, text string) {
		d := font.Drawer{Dst: picture, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(bar+barWidth+gap/2, y)}
		d.DrawString(text)
	}
	write(gap+textSize-2, signed(largest))
	write(gap+(height+textSize)/2-2, "0")
	write(gap+height-2, signed(-largest))
	return picture, nil
}

func signed(v float64) string {
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%+.3g", v)
}

func textFace() (font.Face, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	const pixelsPerInch = 72
	return opentype.NewFace(parsed, &opentype.FaceOptions{Size: textSize, DPI: pixelsPerInch, Hinting: font.HintingFull})
}
