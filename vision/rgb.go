package vision

import (
	"image"
	"image/color"
	"image/draw"
)

// toRGB converts a decoded image, transparency over white.
func toRGB(decoded image.Image) *Image {
	bounds := decoded.Bounds()
	m := newImage(bounds.Dx(), bounds.Dy())
	switch src := decoded.(type) {
	case *image.Gray:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:m.Width], m.row(y)
			for x, v := range from {
				to[3*x], to[3*x+1], to[3*x+2] = v, v, v
			}
		}
	case *image.Gray16:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:2*m.Width], m.row(y)
			for x := range m.Width {
				v := from[2*x]
				to[3*x], to[3*x+1], to[3*x+2] = v, v, v
			}
		}
	case *image.Paletted:
		fromPaletted(m, src)
	case *image.CMYK:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:4*m.Width], m.row(y)
			for x := range m.Width {
				c := from[4*x:][:4]
				k := 255 - uint32(c[3])
				for i := range 3 {
					to[3*x+i] = uint8(divide255((255 - uint32(c[i])) * k))
				}
			}
		}
	case *image.NRGBA:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:4*m.Width], m.row(y)
			for x := range m.Width {
				c := from[4*x:][:4]
				overWhite(to[3*x:][:3], c[0], c[1], c[2], c[3])
			}
		}
	case *image.NRGBA64:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:8*m.Width], m.row(y)
			for x := range m.Width {
				c := from[8*x:][:8]
				overWhite(to[3*x:][:3], c[0], c[2], c[4], c[6])
			}
		}
	case *image.RGBA:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:4*m.Width], m.row(y)
			for x := range m.Width {
				c := from[4*x:][:4]
				for i := range 3 {
					to[3*x+i] = c[i] + (255 - c[3])
				}
			}
		}
	case *image.RGBA64:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:8*m.Width], m.row(y)
			for x := range m.Width {
				c := from[8*x:][:8]
				for i := range 3 {
					to[3*x+i] = c[2*i] + (255 - c[6])
				}
			}
		}
	default:
		whole := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
		draw.Draw(whole, whole.Bounds(), decoded, bounds.Min, draw.Src)
		return toRGB(whole)
	}
	return m
}

func fromPaletted(m *Image, src *image.Paletted) {
	// An index beyond the palette is black, as a decoder may let one through.
	var palette [256][3]uint8
	for i, c := range src.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		overWhite(palette[i][:], n.R, n.G, n.B, n.A)
	}
	for y := range m.Height {
		from, to := src.Pix[y*src.Stride:][:m.Width], m.row(y)
		for x, index := range from {
			copy(to[3*x:][:3], palette[index][:])
		}
	}
}

// overWhite composites a colour that is not premultiplied.
func overWhite(to []uint8, r, g, b, a uint8) {
	_ = to[2]
	if a == 255 {
		to[0], to[1], to[2] = r, g, b
		return
	}
	alpha, white := uint32(a), 255*(255-uint32(a))
	to[0] = uint8(divide255(uint32(r)*alpha + white))
	to[1] = uint8(divide255(uint32(g)*alpha + white))
	to[2] = uint8(divide255(uint32(b)*alpha + white))
}

// divide255 is v/255 rounded, for v up to 255*255.
func divide255(v uint32) uint32 { return (v + 127) / 255 }
