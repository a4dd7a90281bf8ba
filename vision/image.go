package vision

import (
	"fmt"
	"math"
)

// An Image is an 8-bit RGB picture. Pix holds its rows from the top without gaps,
// three bytes a pixel in the order R, G, B: Width*Height*3 bytes.
type Image struct {
	Width, Height int
	Pix           []uint8

	reduced *reduction // nil for an image that is as large as the photograph
}

// A reduction says of which photograph an image is a reduced one.
type reduction struct {
	width, height int // of the photograph
	// left, top, right and bottom are what the image covers of it, in the image's pixels:
	// all but the part of the outermost ones that lies beyond the photograph.
	left, top, right, bottom float64
}

// reductionOf returns that of an image decoded at a part of its size and then turned.
func reductionOf(width, height, denominator, orientation int) *reduction {
	d := float64(denominator)
	r := &reduction{width: width, height: height, right: float64(width) / d, bottom: float64(height) / d}
	beyondRight, beyondBottom := math.Ceil(r.right)-r.right, math.Ceil(r.bottom)-r.bottom
	if orientation >= 5 {
		r.width, r.height, r.right, r.bottom = r.height, r.width, r.bottom, r.right
		beyondRight, beyondBottom = beyondBottom, beyondRight
	}
	switch orientation { // those that mirror from left to right, as in Image.oriented
	case 2, 3, 6, 7:
		r.left, r.right = beyondRight, r.right+beyondRight
	}
	switch orientation {
	case 3, 4, 7, 8:
		r.top, r.bottom = beyondBottom, r.bottom+beyondBottom
	}
	return r
}

// PhotoSize returns the size in pixels of the photograph, as it is seen upright, also where
// the image was decoded at a reduced size (DecodeOptions.ResizedTo).
func (m *Image) PhotoSize() (width, height int) {
	if m.reduced != nil {
		return m.reduced.width, m.reduced.height
	}
	return m.Width, m.Height
}

// span is a part of a row or column, in pixels.
type span struct{ from, to float64 }

// covers returns the columns and rows that the photograph takes.
func (m *Image) covers() (columns, rows span) {
	if r := m.reduced; r != nil {
		return span{r.left, r.right}, span{r.top, r.bottom}
	}
	return span{0, float64(m.Width)}, span{0, float64(m.Height)}
}

func newImage(width, height int) *Image {
	return &Image{Width: width, Height: height, Pix: make([]uint8, width*height*3)}
}

// check refuses an image whose fields do not agree.
func (m *Image) check() error {
	if m.Width < 1 || m.Height < 1 || len(m.Pix) != m.Width*m.Height*3 {
		return fmt.Errorf("an image of %d x %d pixels has %d bytes, expected at least one pixel and three bytes for each", m.Width, m.Height, len(m.Pix))
	}
	return nil
}

// row returns the pixels of a row.
func (m *Image) row(y int) []uint8 {
	return m.Pix[y*m.Width*3:][: m.Width*3 : m.Width*3]
}
