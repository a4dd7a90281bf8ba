package vision

// An Image is an 8-bit RGB picture. Pix holds its rows from the top without gaps,
// three bytes a pixel in the order R, G, B: Width*Height*3 bytes.
type Image struct {
	Width, Height int
	Pix           []uint8
}

func newImage(width, height int) *Image {
	return &Image{Width: width, Height: height, Pix: make([]uint8, width*height*3)}
}

// row returns the pixels of a row.
func (m *Image) row(y int) []uint8 {
	return m.Pix[y*m.Width*3:][: m.Width*3 : m.Width*3]
}
