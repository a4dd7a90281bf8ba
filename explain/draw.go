package explain

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/seed-fb2c0fa6/inception/vision"
)

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

// A Picture is an image as a file.
type Picture struct {
	Width, Height int
	PNG           []byte
}

// Draw puts three things side by side: an image, the same in grey with a map's colours over
// it, red for what is above 0 and blue for what is below, and the scale of the colours, which
// ends at 0 where the map has no signs.
func Draw(of *vision.Image, m Map) (Picture, error) {
	drawn, err := panels(of, m)
	if err != nil {
		return Picture{}, err
	}
	var data bytes.Buffer
	if err := png.Encode(&data, drawn); err != nil {
		return Picture{}, err
	}
	size := drawn.Bounds().Size()
	return Picture{Width: size.X, Height: size.Y, PNG: data.Bytes()}, nil
}

func panels(of *vision.Image, m Map) (image.Image, error) {
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
	end, exceeded := m.Limit()
	limit := float64(end)
	scaled := func(v float64) float64 {
		if limit == 0 {
			return 0
		}
		return v / limit
	}
	lowest := 0.0 // at the foot of the scale
	if m.Signed {
		lowest = -1
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
			picture.SetNRGBA(bar+x, gap+y, coloured(paper, 1-(1-lowest)*float64(y)/float64(max(height-1, 1))))
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
	more, less := "", ""
	if exceeded {
		more, less = "≥ ", "≤ "
	}
	write(gap+textSize-2, more+signed(limit))
	if m.Signed {
		write(gap+(height+textSize)/2-2, "0")
		write(gap+height-2, less+signed(-limit))
	} else {
		write(gap+height-2, "0")
	}
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
