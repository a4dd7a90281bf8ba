package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

func decodeWebP(data []byte, _ DecodeOptions) (pixels, error) {
	decoded, err := webp.Decode(bytes.NewReader(data))
	if err != nil && animatedWebP(data) {
		return nil, fmt.Errorf("%w: an animated WebP", errors.ErrUnsupported)
	}
	if err != nil {
		return nil, err
	}
	return fromWebP(decoded), nil
}

// animatedWebP tells from the extended header's flags.
func animatedWebP(data []byte) bool {
	const flags, animation = 20, 1 << 1
	return len(data) > flags && string(data[:4]) == "RIFF" && string(data[8:16]) == "WEBPVP8X" && data[flags]&animation != 0
}

// fromWebP converts what the WebP decoder returns. Lossy WebP (VP8) has BT.601's
// limited range, luma 16 to 235 and chroma 16 to 240, in the type that stands for
// JPEG's full range (https://go.dev/issue/40173), so the type alone does not tell.
func fromWebP(decoded image.Image) *Image {
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
				overWhite(p, p[0], p[1], p[2], a)
			}
		}
	default: // lossless
		return toRGB(decoded)
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
