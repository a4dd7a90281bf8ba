package vision

import (
	"image"

	"github.com/seed-fb2c0fa6/inception/vision/webp"
)

func decodeWebP(data []byte, o DecodeOptions) (pixels, error) {
	frame, err := webp.Decode(data)
	if err != nil {
		return nil, err
	}
	alpha := o.Alpha
	if !frame.Alpha {
		alpha = AlphaDrop
	}
	m := fromWebP(frame.Image, alpha)
	if m.Width == frame.Width && m.Height == frame.Height {
		return m, nil
	}
	canvas := newImage(frame.Width, frame.Height)
	if frame.Alpha {
		alpha.apply(canvas.Pix, 0, 0, 0, 0)
		for n := 3; n < len(canvas.Pix); n *= 2 {
			copy(canvas.Pix[n:], canvas.Pix[:n])
		}
	}
	for y := range m.Height {
		copy(canvas.row(frame.Y + y)[3*frame.X:], m.row(y))
	}
	return canvas, nil
}

// webpMemory counts the pixels of a lossless file, as they are and before their colours are
// looked up, and RGB.
func webpMemory(data []byte, _ DecodeOptions) int64 {
	width, height, err := webp.Size(data)
	if err != nil {
		return 0
	}
	return 12 * int64(width) * int64(height)
}

// fromWebP converts what the WebP decoder returns. Lossy WebP (VP8) has BT.601's
// limited range, luma 16 to 235 and chroma 16 to 240, in the type that stands for
// JPEG's full range (https://go.dev/issue/40173).
func fromWebP(decoded image.Image, alpha Alpha) *Image {
	m := newImage(decoded.Bounds().Dx(), decoded.Bounds().Dy())
	switch src := decoded.(type) {
	case *image.YCbCr:
		fromYCbCr(m, src, libwebpStyle())
	case *image.NYCbCrA:
		fromYCbCr(m, &src.YCbCr, libwebpStyle())
		for y := range m.Height {
			row := m.row(y)
			for x, a := range src.A[y*src.AStride:][:m.Width] {
				p := row[3*x:][:3]
				alpha.apply(p, p[0], p[1], p[2], a)
			}
		}
	case *image.NRGBA:
		for y := range m.Height {
			from, to := src.Pix[y*src.Stride:][:4*m.Width], m.row(y)
			for x := range m.Width {
				c := from[4*x:][:4]
				alpha.apply(to[3*x:][:3], c[0], c[1], c[2], c[3])
			}
		}
	}
	return m
}

// libwebpStyle is that of libwebp's "fancy upsampler" (dsp/upsampling.c).
func libwebpStyle() chromaStyle {
	return chromaStyle{narrowest: 1, rightBias: 8, convert: convertLimitedRow}
}

// convertLimitedRow is libwebp's dsp/yuv.h: coefficients with 14 bits of fraction,
// products kept with 6, and the ranges' offsets in one constant per channel.
func convertLimitedRow(to, luma, cb, cr []uint8) {
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	to = to[:3*len(luma)]
	for x, l := range luma {
		y, b, r := 19077*int32(l)>>8, int32(cb[x]), int32(cr[x])
		p := (*[3]uint8)(to[3*x:])
		p[0] = clamp8((y + 26149*r>>8 - 14234) >> 6)
		p[1] = clamp8((y - 6419*b>>8 - 13320*r>>8 + 8708) >> 6)
		p[2] = clamp8((y + 33050*b>>8 - 17685) >> 6)
	}
}
