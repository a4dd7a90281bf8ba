package vision

// A source is a file of which parts are wanted as RGB. Of a JPEG, only these parts are
// converted.
type source struct {
	width, height int // as the EXIF orientation says that it should be seen
	stored        pixels
	orientation   int
	// undecodable completes an error of stored.
	undecodable func(error) error
}

func newSource(stored pixels, orientation int, undecodable func(error) error) *source {
	s := &source{stored: stored, orientation: orientation, undecodable: undecodable}
	s.width, s.height = stored.size()
	if orientation >= 5 {
		s.width, s.height = s.height, s.width
	}
	return s
}

// part returns the pixels of a region, the same as in the whole image.
func (s *source) part(r region) (*Image, error) {
	width, height := s.stored.size()
	m, err := s.stored.cut(storedRegion(r, s.orientation, width, height))
	if err != nil {
		return nil, s.undecodable(err)
	}
	return m.oriented(s.orientation), nil
}

// all returns all of the pixels.
func (s *source) all() (*Image, error) { return s.part(region{0, 0, s.width, s.height}) }

func (m *Image) size() (width, height int) { return m.Width, m.Height }

// cut copies a region of an image, or is the image where the region is all of it. It does
// not fail.
func (m *Image) cut(r region) (*Image, error) {
	if r == (region{0, 0, m.Width, m.Height}) {
		return m, nil
	}
	out := newImage(r.width, r.height)
	for y := range r.height {
		copy(out.row(y), m.row(r.y + y)[3*r.x:])
	}
	return out, nil
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
