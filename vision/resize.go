package vision

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// An Interpolation is a filter that images are resized with. The zero value stands for the
// filter that somebody else names, such as a file of weights, and for Bicubic where nobody
// does.
type Interpolation int

const (
	// Bicubic is the cubic convolution filter with a = -0.5, four source pixels wide.
	Bicubic Interpolation = iota + 1
	// Bilinear is the triangle filter, two source pixels wide.
	Bilinear
	// Nearest takes the source pixel that the middle of the new one lies in, and no other,
	// also where an image shrinks.
	Nearest
	// Box is the mean of the source pixels that the new one covers.
	Box
	// Hamming is a sinc in a window of Hamming's, two source pixels wide.
	Hamming
	// Lanczos is a sinc in a window of Lanczos', six source pixels wide.
	Lanczos
)

// filters are the interpolations from Bicubic on.
func filters() []filter {
	return []filter{
		{"bicubic", 2, bicubic},
		{"bilinear", 1, func(x float64) float64 { return max(0, 1-math.Abs(x)) }},
		{"nearest", 0, nil}, // which has no shares to compute
		{"box", 0.5, func(x float64) float64 {
			if x > -0.5 && x <= 0.5 {
				return 1
			}
			return 0
		}},
		{"hamming", 1, func(x float64) float64 {
			x = math.Abs(x)
			switch {
			case x == 0:
				return 1
			case x >= 1:
				return 0
			}
			return sinc(x) * (0.54 + 0.46*math.Cos(x*math.Pi))
		}},
		{"lanczos", 3, func(x float64) float64 {
			if x >= -3 && x < 3 {
				return sinc(x) * sinc(x/3)
			}
			return 0
		}},
	}
}

// A filter is a row of the table: half its width in source pixels when nothing shrinks, and
// the share of a source pixel at a distance, before shares are divided by their sum.
type filter struct {
	name    string
	support float64
	weight  func(x float64) float64
}

func bicubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// Interpolations returns the names of all, as they are given and written.
func Interpolations() []string {
	var names []string
	for _, f := range filters() {
		names = append(names, f.name)
	}
	return names
}

// String returns the name, which is empty for the zero value.
func (i Interpolation) String() string {
	switch {
	case i == 0:
		return ""
	case i.check() != nil:
		return fmt.Sprintf("Interpolation(%d)", int(i))
	}
	return filters()[i-1].name
}

// ParseInterpolation returns the interpolation of the given name; the error for another
// lists them.
func ParseInterpolation(name string) (Interpolation, error) {
	if at := slices.Index(Interpolations(), name); at >= 0 {
		return Interpolation(at + 1), nil
	}
	return 0, fmt.Errorf("unknown interpolation %q, expected %s", name, expectedInterpolations())
}

func expectedInterpolations() string { return `"` + strings.Join(Interpolations(), `" or "`) + `"` }

// MarshalText returns the name, as files of weights and recipes have it.
func (i Interpolation) MarshalText() ([]byte, error) { return []byte(i.String()), i.check() }

// UnmarshalText takes a name or nothing; the error for another name lists them.
func (i *Interpolation) UnmarshalText(text []byte) (err error) {
	*i = 0
	if len(text) > 0 {
		*i, err = ParseInterpolation(string(text))
	}
	return err
}

// check refuses values that are not constants of this package.
func (i Interpolation) check() error {
	if i < 0 || i > Lanczos {
		return fmt.Errorf("unknown interpolation Interpolation(%d), expected %s", int(i), expectedInterpolations())
	}
	return nil
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
// pixels of which the part that is covered is resized to out. When shrinking, the filter is widened
// (antialiasing), as Pillow's resample does.
func tapsFor(size int, covered span, out, from, to int, filter Interpolation) []taps {
	scale := (covered.to - covered.from) / float64(out)
	if filter == Nearest {
		return nearest(size, covered.from, scale, from, to)
	}
	chosen := filters()[max(filter, Bicubic)-1]
	widening := max(scale, 1)
	support := chosen.support * widening
	all := make([]taps, to-from)
	most := min(2*int(math.Ceil(support))+1, size)
	weights, free := make([]float64, most), make([]int32, most*len(all))
	for i := range all {
		center := covered.from + (float64(from+i)+0.5)*scale
		first := max(int(center-support+0.5), 0)
		last := min(int(center+support+0.5), size)
		weights := weights[:last-first]
		sum := 0.0
		for j := range weights {
			weights[j] = chosen.weight((float64(first+j) - center + 0.5) / widening)
			sum += weights[j]
		}
		shares := free[:len(weights):len(weights)]
		free = free[len(weights):]
		for j, w := range weights {
			shares[j] = int32(math.Round(w / sum * (1 << fraction)))
		}
		all[i] = taps{first, shares}
	}
	return all
}

// nearest returns the only tap of each output pixel. Positions are summed up, as Pillow's
// are, which decides between two pixels at an equal distance.
func nearest(size int, at, scale float64, from, to int) []taps {
	all := make([]taps, to-from)
	at += scale * 0.5
	for i := range to {
		if i >= from {
			all[i-from] = taps{min(int(at), size-1), []int32{1 << fraction}}
		}
		at += scale
	}
	return all
}

// Resize returns the image in the given size, number by number as Pillow resizes
// 8-bit images: first the rows, then the columns, each pass rounded to 8 bits.
func Resize(src *Image, width, height int, filter Interpolation) (*Image, error) {
	if width < 1 || height < 1 || width > DefaultMaxPixels/height {
		return nil, fmt.Errorf("an image is to be resized to %d x %d pixels, expected from 1 to %d", width, height, DefaultMaxPixels)
	}
	if err := errors.Join(src.check(), filter.check()); err != nil {
		return nil, err
	}
	return resizeRegion(src, width, height, region{0, 0, width, height}, filter), nil
}

// A region is a rectangle of pixels.
type region struct{ x, y, width, height int }

// resizeRegion computes a part of the image resized to width x height.
func resizeRegion(src *Image, width, height int, r region, filter Interpolation) *Image {
	wide, tall := src.covers()
	sameWidth, sameHeight := wide == span{0, float64(width)}, tall == span{0, float64(height)}
	rows := tapsFor(src.Height, tall, height, r.y, r.y+r.height, filter)
	firstRow, lastRow := src.Height, 0
	if sameHeight {
		firstRow, lastRow = r.y, r.y+r.height
	} else {
		for _, t := range rows {
			firstRow, lastRow = min(firstRow, t.first), max(lastRow, t.first+len(t.shares))
		}
	}
	narrow := newImage(r.width, lastRow-firstRow)
	if sameWidth {
		for y := range narrow.Height {
			copy(narrow.row(y), src.row(firstRow + y)[3*r.x:])
		}
	} else {
		columns := tapsFor(src.Width, wide, width, r.x, r.x+r.width, filter)
		resizeRows(narrow, src, firstRow, columns)
	}
	if sameHeight {
		return narrow
	}
	out := newImage(r.width, r.height)
	for y, t := range rows {
		sumRows(out.row(y), narrow.Pix[(t.first-firstRow)*3*r.width:], t.shares)
	}
	return out
}

// sumRows writes a row of rows that follow one another, times their shares.
func sumRows(dst, rows []uint8, shares []int32) {
	stride := len(dst)
	done := resampling.columns(dst, rows, stride, shares)
	for at := done; at < stride; at += blockOfSums {
		var all [blockOfSums]int32
		sums := all[:min(blockOfSums, stride-at)]
		for i := range sums {
			sums[i] = 1 << (fraction - 1)
		}
		for j, share := range shares {
			row := rows[j*stride+at:][:len(sums)]
			for i, v := range row {
				sums[i] += share * int32(v)
			}
		}
		for i, v := range sums {
			dst[at+i] = clamp8(v >> fraction)
		}
	}
}

// blockOfSums is how many sums stay in the first cache, beside their rows.
const blockOfSums = 256

// resizeRows resizes the rows of src from firstRow on, as many as narrow has. Those that are
// left take two at a time: one in the low and one in the high 32 bits of a word, so that
// a multiplication does for both.
func resizeRows(narrow, src *Image, firstRow int, columns []taps) {
	done := resampling.rows(narrow, src, firstRow, columns)
	from := columns[0].first
	to := from
	for _, t := range columns {
		to = max(to, t.first+len(t.shares))
	}
	pairs := make([][3]int64, to-from)
	for y := done; y < narrow.Height; y += 2 {
		other := min(y+1, narrow.Height-1)
		pairRows(pairs, src.row(firstRow + y)[3*from:], src.row(firstRow + other)[3*from:])
		resizePairs(narrow.row(y), narrow.row(other), pairs, from, columns)
	}
}

func pairRows(pairs [][3]int64, low, high []uint8) {
	low, high = low[:3*len(pairs)], high[:3*len(pairs)]
	for i := range pairs {
		l, h := (*[3]uint8)(low[3*i:]), (*[3]uint8)(high[3*i:])
		pairs[i] = [3]int64{int64(l[0]) | int64(h[0])<<32, int64(l[1]) | int64(h[1])<<32, int64(l[2]) | int64(h[2])<<32}
	}
}

// resizePairs writes a row each of the low and high halves; pairs begins at pixel from.
func resizePairs(low, high []uint8, pairs [][3]int64, from int, columns []taps) {
	const half = 1<<(fraction-1) | 1<<(fraction-1)<<32
	low, high = low[:3*len(columns)], high[:3*len(columns)]
	for x, t := range columns {
		r, g, b := int64(half), int64(half), int64(half)
		pixels := pairs[t.first-from:][:len(t.shares)]
		for j, share := range t.shares {
			p, s := &pixels[j], int64(share)
			r += s * p[0]
			g += s * p[1]
			b += s * p[2]
		}
		l, h := (*[3]uint8)(low[3*x:]), (*[3]uint8)(high[3*x:])
		l[0], h[0] = halves(r)
		l[1], h[1] = halves(g)
		l[2], h[2] = halves(b)
	}
}

// halves takes two sums apart; a negative low one has borrowed from the high one.
func halves(sum int64) (low, high uint8) {
	l := int32(sum)
	return clamp8(l >> fraction), clamp8(int32((sum-int64(l))>>32) >> fraction)
}
