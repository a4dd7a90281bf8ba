package png

import "encoding/binary"

// A painter turns stored pixels into those of a picture.
type painter struct {
	channels int
	paint    func(to, row []byte, n, step int)
}

// newPainter returns what writes n pixels of a stored row, one every step bytes.
func newPainter(f *file) *painter {
	h := f.header
	size := h.depth / 8 // bytes of a sample
	switch h.colours {
	case paletted:
		return palettePainter(f)
	case grayAlpha:
		return &painter{4, func(to, row []byte, n, step int) {
			for i := range n {
				v := row[2*size*i]
				copy(to[step*i:][:4], []byte{v, v, v, row[2*size*i+size]})
			}
		}}
	case rgba:
		return &painter{4, func(to, row []byte, n, step int) {
			for i := range n {
				from, to := row[4*size*i:], to[step*i:][:4]
				to[0], to[1], to[2], to[3] = from[0], from[size], from[2*size], from[3*size]
			}
		}}
	case rgb:
		if len(f.alpha) >= 6 {
			return rgbKeyPainter(f, size)
		}
		return &painter{3, func(to, row []byte, n, step int) {
			if size == 1 && step == 3 {
				copy(to[:3*n], row)
				return
			}
			for i := range n {
				from, to := row[3*size*i:], to[step*i:][:3]
				to[0], to[1], to[2] = from[0], from[size], from[2*size]
			}
		}}
	}
	return grayPainter(f)
}

// rgbKeyPainter makes one colour transparent.
func rgbKeyPainter(f *file, size int) *painter {
	key := make([]byte, 0, 6) // as a pixel is stored
	for i := range 3 {
		if size == 2 {
			key = append(key, f.alpha[2*i])
		}
		key = append(key, f.alpha[2*i+1])
	}
	return &painter{4, func(to, row []byte, n, step int) {
		for i := range n {
			from, to := row[3*size*i:][:3*size], to[step*i:][:4]
			to[0], to[1], to[2], to[3] = from[0], from[size], from[2*size], 255
			if string(from) == string(key) {
				to[3] = 0
			}
		}
	}}
}

// sample returns sample i of a row of samples of at most 8 bits.
func sample(row []byte, i, depth int) uint8 {
	bit := i * depth
	return row[bit/8] >> (8 - depth - bit%8) & uint8(1<<depth-1)
}

func grayPainter(f *file) *painter {
	depth := f.header.depth
	key := -1
	if len(f.alpha) >= 2 {
		key = int(binary.BigEndian.Uint16(f.alpha))
	}
	// at returns a gray value, and the sample it comes from.
	at := func(row []byte, i int) (gray uint8, sampled int) {
		if depth == 16 {
			return row[2*i], int(binary.BigEndian.Uint16(row[2*i:]))
		}
		v := sample(row, i, depth)
		return v * (255 / uint8(1<<depth-1)), int(v)
	}
	if key < 0 {
		return &painter{1, func(to, row []byte, n, step int) {
			if depth == 8 && step == 1 {
				copy(to[:n], row)
				return
			}
			for i := range n {
				to[step*i], _ = at(row, i)
			}
		}}
	}
	return &painter{4, func(to, row []byte, n, step int) {
		for i := range n {
			v, sampled := at(row, i)
			to := to[step*i:][:4]
			to[0], to[1], to[2], to[3] = v, v, v, 255
			if sampled == key {
				to[3] = 0
			}
		}
	}}
}

// palettePainter has black for indices that the palette has not.
func palettePainter(f *file) *painter {
	var colours [256][4]uint8
	channels := 3
	for i := range colours {
		colours[i][3] = 255
		if 3*i+3 <= len(f.palette) {
			copy(colours[i][:3], f.palette[3*i:])
		}
		if i < len(f.alpha) {
			colours[i][3] = f.alpha[i]
			channels = 4
		}
	}
	depth := f.header.depth
	return &painter{channels, func(to, row []byte, n, step int) {
		for i := range n {
			copy(to[step*i:][:channels], colours[sample(row, i, depth)][:])
		}
	}}
}
