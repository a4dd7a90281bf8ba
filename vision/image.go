package vision

import "fmt"

// An Image is an 8-bit RGB picture. Pix holds its rows from the top without gaps,
// three bytes a pixel in the order R, G, B: Width*Height*3 bytes.
type Image struct {
	Width, Height int
	Pix           []uint8
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
