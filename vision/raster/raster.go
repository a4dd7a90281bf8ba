// Package raster holds pixels as the decoders of picture formats leave them.
package raster

// An Image is a picture of 8 bits a channel. Pix holds its rows from the top without
// gaps, Channels bytes a pixel: 1 is gray; 3 is R, G, B; 4 is R, G, B, A, where the colours
// are not multiplied by alpha.
type Image struct {
	Width, Height, Channels int
	Pix                     []uint8
}

// New returns a picture of zeros.
func New(width, height, channels int) *Image {
	return &Image{Width: width, Height: height, Channels: channels, Pix: make([]uint8, width*height*channels)}
}

// Row returns the bytes of row y.
func (m *Image) Row(y int) []uint8 {
	n := m.Width * m.Channels
	return m.Pix[y*n:][:n:n]
}
