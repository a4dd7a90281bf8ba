package vision

import (
	"math"
	"testing"
)

// TestBilinearGolden compares with the tables of TensorFlow's own tests
// (tensorflow/core/kernels/image/resize_bilinear_op_test.cc), of which each value
// stands here for three channels.
func TestBilinearGolden(t *testing.T) {
	for _, c := range []struct {
		from, to int
		want     []float64
	}{
		{2, 1, []float64{1}},
		{2, 3, []float64{1, 5.0 / 3, 2, 7.0 / 3, 3, 10.0 / 3, 3, 11.0 / 3, 4}},
		{2, 4, []float64{1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4}},
		{3, 2, []float64{1, 2.5, 5.5, 7}},
		{3, 4, []float64{1, 1.75, 2.5, 3, 3.25, 4, 4.75, 5.25, 5.5, 6.25, 7, 7.5, 7, 7.75, 8.5, 9}},
		{4, 3, []float64{1, 7.0 / 3, 11.0 / 3, 19.0 / 3, 23.0 / 3, 27.0 / 3, 35.0 / 3, 39.0 / 3, 43.0 / 3}},
	} {
		m := newImage(c.from, c.from)
		for i := range m.Pix {
			m.Pix[i] = uint8(1 + i/3)
		}
		for _, flipped := range []bool{false, true} {
			got := make([]float32, 3*c.to*c.to)
			resizeBilinear(got, m, c.to, flipped)
			for i, v := range got {
				y, x := i/3/c.to, i/3%c.to
				if flipped {
					x = c.to - 1 - x
				}
				if want := c.want[y*c.to+x]; !(math.Abs(float64(v)*255-want) < 1e-4) {
					t.Errorf("%d to %d, flipped %t: value %d is %g, want %g", c.from, c.to, flipped, i, v*255, want)
				}
			}
		}
	}
}

// TestBilinearByDefinition resizes noise of unequal sides, both ways.
func TestBilinearByDefinition(t *testing.T) {
	for _, size := range [][3]int{{7, 5, 11}, {5, 40, 13}, {61, 2, 13}, {1, 1, 3}, {30, 31, 30}} {
		m, side := noise(size[0], size[1]), size[2]
		got := make([]float32, 3*side*side)
		resizeBilinear(got, m, side, false)
		for i, v := range got {
			y, x, c := i/3/side, i/3%side, i%3
			atX, atY := float64(x)*float64(m.Width)/float64(side), float64(y)*float64(m.Height)/float64(side)
			at := func(x, y int) float64 {
				return float64(m.row(min(y, m.Height-1))[3*min(x, m.Width-1)+c])
			}
			x0, y0 := int(atX), int(atY)
			shareX, shareY := atX-float64(x0), atY-float64(y0)
			want := (1-shareY)*((1-shareX)*at(x0, y0)+shareX*at(x0+1, y0)) + shareY*((1-shareX)*at(x0, y0+1)+shareX*at(x0+1, y0+1))
			if !(math.Abs(float64(v)*255-want) < 1e-2) { // a position's rounding times 255 levels
				t.Fatalf("%v: value %d is %g, want %g", size, i, v*255, want)
			}
		}
	}
}
