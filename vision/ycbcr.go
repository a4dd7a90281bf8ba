package vision

import "image"

// A chromaStyle is how a C library turns luma and chroma into RGB.
type chromaStyle struct {
	// narrowest is the chroma width that is interpolated; narrower is repeated.
	narrowest int
	// rightBias rounds the right one of two pixels that share a chroma value, in
	// sixteenths; the left one's is 8.
	rightBias int32
	// convert writes a row of RGB from rows of equal length.
	convert func(to, luma, cb, cr []uint8)
}

// fromYCbCr converts as the C libraries under Pillow and OpenCV do: chroma that was
// sampled at half the resolution is interpolated with weights 3/4 and 1/4.
func fromYCbCr(m *Image, src *image.YCbCr, style chromaStyle) {
	chromaWidth, chromaHeight := m.Width, m.Height
	halfWidth, halfHeight := false, false
	switch src.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
	case image.YCbCrSubsampleRatio422:
		halfWidth = true
	case image.YCbCrSubsampleRatio420:
		halfWidth, halfHeight = true, true
	case image.YCbCrSubsampleRatio440:
		halfHeight = true
	default:
		fromYCbCrNearest(m, src, style)
		return
	}
	if halfWidth {
		chromaWidth = (m.Width + 1) / 2
	}
	if halfHeight {
		chromaHeight = (m.Height + 1) / 2
	}
	if src.Rect.Min.X%2 != 0 || src.Rect.Min.Y%2 != 0 || halfWidth && chromaWidth < style.narrowest {
		fromYCbCrNearest(m, src, style)
		return
	}
	cb, cr := make([]uint8, m.Width+1), make([]uint8, m.Width+1)
	sums := make([]int32, chromaWidth)
	upsample := func(to []uint8, plane []uint8, y int) {
		if !halfHeight {
			row := plane[y*src.CStride:][:chromaWidth]
			if halfWidth {
				widen(to, row)
			} else {
				copy(to, row)
			}
			return
		}
		other := y/2 - 1
		if y%2 == 1 {
			other = y/2 + 1
		}
		other = min(max(other, 0), chromaHeight-1)
		a, b := plane[y/2*src.CStride:][:chromaWidth], plane[other*src.CStride:][:chromaWidth]
		for i, v := range a {
			sums[i] = 3*int32(v) + int32(b[i])
		}
		if !halfWidth {
			bias := int32(1 + y%2)
			for i, v := range sums {
				to[i] = uint8((v + bias) >> 2)
			}
			return
		}
		widenSums(to, sums, style.rightBias)
	}
	for y := range m.Height {
		upsample(cb, src.Cb, y)
		upsample(cr, src.Cr, y)
		style.convert(m.row(y), src.Y[y*src.YStride:][:m.Width], cb[:m.Width], cr[:m.Width])
	}
}

// widen doubles a row's resolution; to has room for two values of each.
func widen(to, row []uint8) {
	n := len(row)
	if n == 1 {
		to[0], to[1] = row[0], row[0]
		return
	}
	to[0] = row[0]
	to[1] = uint8((3*int32(row[0]) + int32(row[1]) + 2) >> 2)
	for i := 1; i < n-1; i++ {
		v := 3 * int32(row[i])
		to[2*i] = uint8((v + int32(row[i-1]) + 1) >> 2)
		to[2*i+1] = uint8((v + int32(row[i+1]) + 2) >> 2)
	}
	to[2*n-2] = uint8((3*int32(row[n-1]) + int32(row[n-2]) + 1) >> 2)
	if 2*n-1 < len(to) {
		to[2*n-1] = row[n-1]
	}
}

// widenSums doubles the resolution of a row of vertical sums of weight four.
func widenSums(to []uint8, sums []int32, rightBias int32) {
	n := len(sums)
	if n == 1 {
		to[0], to[1] = uint8((4*sums[0]+8)>>4), uint8((4*sums[0]+rightBias)>>4)
		return
	}
	to[0] = uint8((4*sums[0] + 8) >> 4)
	to[1] = uint8((3*sums[0] + sums[1] + rightBias) >> 4)
	for i := 1; i < n-1; i++ {
		v := 3 * sums[i]
		to[2*i] = uint8((v + sums[i-1] + 8) >> 4)
		to[2*i+1] = uint8((v + sums[i+1] + rightBias) >> 4)
	}
	to[2*n-2] = uint8((3*sums[n-1] + sums[n-2] + 8) >> 4)
	if 2*n-1 < len(to) {
		to[2*n-1] = uint8((4*sums[n-1] + rightBias) >> 4)
	}
}

func clamp8(v int32) uint8 { return uint8(min(max(v, 0), 255)) }

// fromYCbCrNearest repeats chroma, for the ratios that photographs do not have and
// for pictures too narrow to interpolate.
func fromYCbCrNearest(m *Image, src *image.YCbCr, style chromaStyle) {
	cb, cr := make([]uint8, m.Width), make([]uint8, m.Width)
	for y := range m.Height {
		for x := range m.Width {
			at := src.COffset(src.Rect.Min.X+x, src.Rect.Min.Y+y)
			cb[x], cr[x] = src.Cb[at], src.Cr[at]
		}
		style.convert(m.row(y), src.Y[y*src.YStride:][:m.Width], cb, cr)
	}
}
