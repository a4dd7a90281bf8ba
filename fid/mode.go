package fid

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Mode is how pictures become what the network takes: both sides resized, whatever the
// proportions are, and the values normalised.
type Mode string

// The modes.
const (
	// Clean is clean-fid's resizing: Pillow's bicubic with antialiasing, on floating-point
	// values that are not rounded; normalised as the weights say, which is [-1,1].
	Clean Mode = "clean"
	// LegacyPyTorch is pytorch-fid's: bilinear without antialiasing between the centres of
	// pixels; [-1,1].
	LegacyPyTorch Mode = "legacy-pytorch"
	// LegacyTensorFlow is that of the first programs: bilinear without antialiasing between the
	// corners of pixels; less 128, divided by 128.
	LegacyTensorFlow Mode = "legacy-tensorflow"
)

// Modes are all, the default first.
func Modes() []Mode { return []Mode{Clean, LegacyPyTorch, LegacyTensorFlow} }

// ParseMode returns the mode of a name; the error for another lists them.
func ParseMode(name string) (Mode, error) {
	var names []string
	for _, m := range Modes() {
		if string(m) == name {
			return m, nil
		}
		names = append(names, string(m))
	}
	return "", fmt.Errorf("unknown mode %q, expected one of %s", name, strings.Join(names, ", "))
}

// Prepare writes a picture, resized to size x size, to dst, [size, size, 3].
func (m Mode) Prepare(dst []float32, picture *vision.Image, p vision.Preprocessing) error {
	if p.Size < 1 || len(dst) != 3*p.Size*p.Size {
		return fmt.Errorf("a picture of %d x %d pixels takes %d values, found room for %d", p.Size, p.Size, 3*p.Size*p.Size, len(dst))
	}
	var along func(size, out int) []taps
	mean, std := [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}
	switch m {
	case Clean:
		along, mean, std = bicubic, p.Mean, p.Std
	case LegacyPyTorch:
		along = betweenCentres
	case LegacyTensorFlow:
		along = betweenCorners
		mean, std = [3]float32{128. / 255, 128. / 255, 128. / 255}, [3]float32{128. / 255, 128. / 255, 128. / 255}
	default:
		return fmt.Errorf("unknown mode %q", string(m))
	}
	resize(dst, picture, p.Size, along)
	for i, v := range dst {
		c := i % 3
		dst[i] = (min(max(v, 0), 255)/255 - mean[c]) / std[c]
	}
	return nil
}

// taps are the pixels that make one of a row or column, from the first, and their shares.
type taps struct {
	first  int
	shares []float64
}

// bicubic is Pillow's, widened where pictures shrink.
func bicubic(size, out int) []taps {
	const a = -0.5
	weight := func(x float64) float64 {
		switch x = math.Abs(x); {
		case x < 1:
			return ((a+2)*x-(a+3))*x*x + 1
		case x < 2:
			return (((x-5)*x+8)*x - 4) * a
		}
		return 0
	}
	scale := float64(size) / float64(out)
	wide := max(scale, 1)
	all := make([]taps, out)
	for i := range all {
		centre := (float64(i) + 0.5) * scale
		first := max(int(centre-2*wide+0.5), 0)
		last := min(int(centre+2*wide+0.5), size)
		shares, sum := make([]float64, last-first), 0.0
		for j := range shares {
			shares[j] = weight((float64(first+j) - centre + 0.5) / wide)
			sum += shares[j]
		}
		for j := range shares {
			shares[j] /= sum
		}
		all[i] = taps{first, shares}
	}
	return all
}

// betweenCentres is bilinear, where the corners of pictures are the same.
func betweenCentres(size, out int) []taps {
	return bilinear(size, out, func(i, scale float64) float64 { return max(0, (i+0.5)*scale-0.5) })
}

// betweenCorners is bilinear, where the first pixels are the same. TensorFlow's places are of
// 32 bits.
func betweenCorners(size, out int) []taps {
	return bilinear(size, out, func(i, scale float64) float64 { return float64(float32(i) * float32(scale)) })
}

func bilinear(size, out int, place func(i, scale float64) float64) []taps {
	scale := float64(size) / float64(out)
	all := make([]taps, out)
	for i := range all {
		at := place(float64(i), scale)
		first := min(int(at), size-1)
		if share := at - float64(first); first+1 < size {
			all[i] = taps{first, []float64{1 - share, share}}
		} else {
			all[i] = taps{first, []float64{1}}
		}
	}
	return all
}

// resize resizes rows and then columns, to values from 0 to 255.
func resize(dst []float32, picture *vision.Image, side int, along func(size, out int) []taps) {
	narrow := make([]float32, 3*side*picture.Height)
	for x, t := range along(picture.Width, side) {
		for y := range picture.Height {
			var sums [3]float64
			row := picture.Pix[3*(y*picture.Width+t.first):]
			for j, share := range t.shares {
				for c := range 3 {
					sums[c] += share * float64(row[3*j+c])
				}
			}
			for c, v := range sums {
				narrow[3*(y*side+x)+c] = float32(v)
			}
		}
	}
	sums := make([]float64, 3*side)
	for y, t := range along(picture.Height, side) {
		clear(sums)
		for j, share := range t.shares {
			for i, v := range narrow[3*side*(t.first+j):][:3*side] {
				sums[i] += share * float64(v)
			}
		}
		for i, v := range sums {
			dst[3*side*y+i] = float32(v)
		}
	}
}
