package vision

import (
	"fmt"
	"math"
)

// An Interpolation is a filter that images are resized with.
type Interpolation int

const (
	// Bicubic is the cubic convolution filter with a = -0.5, four source pixels wide.
	Bicubic Interpolation = iota
	// Bilinear is the triangle filter, two source pixels wide.
	Bilinear
)

func (i Interpolation) String() string {
	switch i {
	case Bicubic:
		return "bicubic"
	case Bilinear:
		return "bilinear"
	}
	return fmt.Sprintf("Interpolation(%d)", int(i))
}

// ParseInterpolation returns the interpolation of the given name.
func ParseInterpolation(name string) (Interpolation, error) {
	for _, i := range []Interpolation{Bicubic, Bilinear} {
		if i.String() == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("unknown interpolation %q, expected %q or %q", name, Bicubic, Bilinear)
}

// support is half the filter's width in source pixels when nothing shrinks.
func (i Interpolation) support() float64 {
	if i == Bilinear {
		return 1
	}
	return 2
}

func (i Interpolation) weight(x float64) float64 {
	x = math.Abs(x)
	if i == Bilinear {
		return max(0, 1-x)
	}
	const a = -0.5
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// fraction is the number of bits behind the point of the coefficients: Pillow's
// 32 bits less 8 of the pixel and 2 for overshoot.
const fraction = 32 - 8 - 2

// taps are the source pixels that make one output pixel, and their shares in
// fixed point.
type taps struct {
	first  int
	shares []int32
}

// tapsFor returns the taps of the output pixels from to to in a row of size
// pixels that is resized to out. When shrinking, the filter is widened
// (antialiasing), as Pillow's resample does.
func tapsFor(size, out, from, to int, filter Interpolation) []taps {
	scale := float64(size) / float64(out)
	widening := max(scale, 1)
	support := filter.support() * widening
	all := make([]taps, to-from)
	for i := range all {
		center := (float64(from+i) + 0.5) * scale
		first := max(int(center-support+0.5), 0)
		last := min(int(center+support+0.5), size)
		weights := make([]float64, last-first)
		sum := 0.0
		for j := range weights {
			weights[j] = filter.weight((float64(first+j) - center + 0.5) / widening)
			sum += weights[j]
		}
		shares := make([]int32, len(weights))
		for j, w := range weights {
			shares[j] = int32(math.Round(w / sum * (1 << fraction)))
		}
		all[i] = taps{first, shares}
	}
	return all
}

// Resize returns the image in the given size, number by number as Pillow resizes
// 8-bit images: first the rows, then the columns, each pass rounded to 8 bits.
func Resize(src *Image, width, height int, filter Interpolation) (*Image, error) {
	if width < 1 || height < 1 {
		return nil, fmt.Errorf("an image is to be resized to %d x %d pixels, expected at least one", width, height)
	}
	return resizeRegion(src, width, height, region{0, 0, width, height}, filter), nil
}

// A region is a rectangle of pixels.
type region struct{ x, y, width, height int }

// resizeRegion computes a part of the image resized to width x height.
func resizeRegion(src *Image, width, height int, r region, filter Interpolation) *Image {
	rows := tapsFor(src.Height, height, r.y, r.y+r.height, filter)
	firstRow, lastRow := src.Height, 0
	if height == src.Height {
		firstRow, lastRow = r.y, r.y+r.height
	} else {
		for _, t := range rows {
			firstRow, lastRow = min(firstRow, t.first), max(lastRow, t.first+len(t.shares))
		}
	}
	narrow := newImage(r.width, lastRow-firstRow)
	if width == src.Width {
		for y := range narrow.Height {
			copy(narrow.row(y), src.row(firstRow + y)[3*r.x:])
		}
	} else {
		columns := tapsFor(src.Width, width, r.x, r.x+r.width, filter)
		for y := range narrow.Height {
			resizeRow(narrow.row(y), src.row(firstRow+y), columns)
		}
	}
	if height == src.Height {
		return narrow
	}
	out := newImage(r.width, r.height)
	sums := make([]int32, 3*r.width)
	for y, t := range rows {
		for i := range sums {
			sums[i] = 1 << (fraction - 1)
		}
		for j, share := range t.shares {
			addRow(sums, narrow.row(t.first-firstRow+j), share)
		}
		for i, v := range sums {
			out.Pix[y*len(sums)+i] = clamp8(v >> fraction)
		}
	}
	return out
}

func resizeRow(to, row []uint8, columns []taps) {
	for x, t := range columns {
		r, g, b := int32(1<<(fraction-1)), int32(1<<(fraction-1)), int32(1<<(fraction-1))
		pixels := row[3*t.first:][:3*len(t.shares)]
		for _, share := range t.shares {
			r += share * int32(pixels[0])
			g += share * int32(pixels[1])
			b += share * int32(pixels[2])
			pixels = pixels[3:]
		}
		to[3*x], to[3*x+1], to[3*x+2] = clamp8(r>>fraction), clamp8(g>>fraction), clamp8(b>>fraction)
	}
}

func addRow(sums []int32, row []uint8, share int32) {
	row = row[:len(sums)]
	for i, v := range row {
		sums[i] += share * int32(v)
	}
}
