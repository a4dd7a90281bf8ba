package vision

import (
	"bytes"
	"image"
	"image/jpeg"
)

func decodeJPEG(data []byte, _ DecodeOptions) (pixels, error) {
	decoded, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, unsupported(err)
	}
	if stored, ok := decoded.(subImager); ok {
		return storedColours{stored}, nil
	}
	return toRGB(decoded), nil
}

// storedColours are a JPEG's pixels before they are converted to RGB, which is done for
// the parts that are wanted.
type storedColours struct{ subImager }

type subImager interface {
	image.Image
	SubImage(image.Rectangle) image.Image
}

func (s storedColours) size() (width, height int) { return s.Bounds().Dx(), s.Bounds().Dy() }

func (s storedColours) cut(r region) *Image {
	bounds := s.Bounds()
	// Interpolated chroma depends on neighbours, and begins at even pixels.
	const margin = 6
	x0, y0 := max(r.x-margin, 0)&^1, max(r.y-margin, 0)&^1
	x1, y1 := min(r.x+r.width+margin, bounds.Dx()), min(r.y+r.height+margin, bounds.Dy())
	around := toRGB(s.SubImage(image.Rect(x0, y0, x1, y1).Add(bounds.Min)))
	r.x, r.y = r.x-x0, r.y-y0
	return around.cut(r)
}
