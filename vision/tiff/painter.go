package tiff

import "github.com/seed-fb2c0fa6/inception/vision/raster"

// channels returns those of the decoded picture. Inks are four, until they are converted.
func (l *layout) channels() int {
	switch {
	case l.photometric == cmyk, l.alpha != 0:
		return 4
	case l.photometric == rgb, l.photometric == paletted, l.photometric == yCbCr:
		return 3
	}
	return 1
}

// A painter turns n stored pixels into those of a picture.
type painter func(to, row []byte, n int)

// painter returns that of a plane. In pictures of one plane, it holds all samples.
func (l *layout) painter(plane int) painter {
	channels := l.channels()
	colours := min(l.samples, map[int64]int{rgb: 3, cmyk: 4}[l.photometric])
	if colours == 0 {
		colours = 1
	}
	samples := l.samples / l.planes
	// set writes sample s of a pixel.
	set := func(to []byte, s int, v uint8) {
		switch {
		case s >= colours && l.alpha != 0:
			if s == colours {
				to[3] = v
			}
		case s >= colours:
		case l.photometric == paletted:
			copy(to[:3], l.palette[v][:])
		case colours == 1:
			if l.photometric == whiteIsZero {
				v = 255 - v
			}
			for c := range min(channels, 3) {
				to[c] = v
			}
		default:
			to[s] = v
		}
	}
	return func(to, row []byte, n int) {
		for x := range n {
			for s := range samples {
				set(to[x*channels:], plane+s, l.sample(row, x*samples+s))
			}
		}
	}
}

// sample returns a sample of a row, scaled to 8 bits but for indices of a palette.
func (l *layout) sample(row []byte, i int) uint8 {
	switch l.depth {
	case 8:
		return row[i]
	case 16:
		if l.bigEndian {
			return row[2*i]
		}
		return row[2*i+1]
	}
	bit := i * l.depth
	most := uint8(1<<l.depth - 1)
	v := row[bit/8] >> (8 - l.depth - bit%8) & most
	if l.photometric == paletted {
		return v
	}
	return v * (255 / most)
}

// fromCMYK converts four inks to RGB.
func fromCMYK(m *raster.Image) *raster.Image {
	out := raster.New(m.Width, m.Height, 3)
	for i := range m.Width * m.Height {
		c := (*[4]uint8)(m.Pix[4*i:])
		light := 255 - uint32(c[3])
		for j := range 3 {
			out.Pix[3*i+j] = uint8(((255-uint32(c[j]))*light + 127) / 255)
		}
	}
	return out
}

// divide divides colours by the alpha that they are multiplied by.
func divide(m *raster.Image) {
	for i := 0; i < len(m.Pix); i += 4 {
		c := (*[4]uint8)(m.Pix[i:])
		if a := uint32(c[3]); a != 0 && a != 255 {
			for j := range 3 {
				c[j] = uint8(min(255*uint32(c[j])/a, 255))
			}
		}
	}
}
