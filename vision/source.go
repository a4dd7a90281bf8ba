package vision

import (
	"bytes"
	"image"
	"image/jpeg"
)

// A source is a decoded file of which parts are wanted as RGB. Of a JPEG, only these
// parts are converted.
type source struct {
	width, height int // as the EXIF orientation says that it should be seen
	stored        image.Image
	orientation   int
	whole         *Image // instead of stored, for other formats
}

// decodeSource decodes a file as Decode does, with its default options.
func decodeSource(data []byte) (*source, error) {
	if stored := decodeJPEG(data); stored != nil {
		s := &source{stored: stored, orientation: orientation("jpeg", data)}
		s.width, s.height = stored.Bounds().Dx(), stored.Bounds().Dy()
		if s.orientation >= 5 {
			s.width, s.height = s.height, s.width
		}
		return s, nil
	}
	m, err := Decode(data, DecodeOptions{})
	if err != nil {
		return nil, err
	}
	return &source{width: m.Width, height: m.Height, whole: m}, nil
}

// decodeJPEG returns a JPEG's pixels as they are stored; nil for all that Decode
// refuses or that is not JPEG.
func decodeJPEG(data []byte) image.Image {
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width < 1 || config.Height < 1 || config.Width > DefaultMaxPixels/config.Height {
		return nil
	}
	stored, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	if _, ok := stored.(subImager); !ok {
		return nil
	}
	return stored
}

type subImager interface {
	SubImage(image.Rectangle) image.Image
}

// part returns the pixels of a region, the same as in the whole image.
func (s *source) part(r region) *Image {
	if s.whole != nil {
		return s.whole.cut(r)
	}
	bounds := s.stored.Bounds()
	stored := storedRegion(r, s.orientation, bounds.Dx(), bounds.Dy())
	// Interpolated chroma depends on neighbours, and begins at even pixels.
	const margin = 6
	x0, y0 := max(stored.x-margin, 0)&^1, max(stored.y-margin, 0)&^1
	x1, y1 := min(stored.x+stored.width+margin, bounds.Dx()), min(stored.y+stored.height+margin, bounds.Dy())
	around := toRGB(s.stored.(subImager).SubImage(image.Rect(x0, y0, x1, y1).Add(bounds.Min)))
	stored.x, stored.y = stored.x-x0, stored.y-y0
	return around.cut(stored).oriented(s.orientation)
}

// cut copies a region of an image, or is the image where the region is all of it.
func (m *Image) cut(r region) *Image {
	if r == (region{0, 0, m.Width, m.Height}) {
		return m
	}
	out := newImage(r.width, r.height)
	for y := range r.height {
		copy(out.row(y), m.row(r.y + y)[3*r.x:])
	}
	return out
}

// storedRegion returns where a region of an image, as the EXIF orientation says that
// it should be seen, lies in the width x height pixels that are stored.
func storedRegion(r region, orientation, width, height int) region {
	if orientation >= 5 {
		r.x, r.y, r.width, r.height = r.y, r.x, r.height, r.width
	}
	switch orientation { // as in Image.oriented
	case 2, 3, 7, 8:
		r.x = width - r.x - r.width
	}
	switch orientation {
	case 3, 4, 6, 7:
		r.y = height - r.y - r.height
	}
	return r
}
