package explain

import (
	"cmp"
	"context"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// Occlusion covers parts of an image and looks how much the logit falls (Zeiler and Fergus, arXiv
// 1311.2901, section 4.2). It needs no gradients.
type Occlusion struct {
	// Window is the side of the square that covers, in pixels; a fifth of the image's when zero.
	Window int
	// Stride is how far the next square is, in pixels, at most Window; half of it when zero.
	Stride int
	// Fill is the square's colour; Grey when empty.
	Fill Baseline
}

func (m Occlusion) open(_ context.Context, c *predict.Classifier) (*opened, error) {
	size := c.Preprocessing().Size
	window := cmp.Or(m.Window, size/5)
	stride := cmp.Or(m.Stride, (window+1)/2)
	if window < 1 || window > size {
		return nil, fmt.Errorf("the window must be from 1 to %d pixels, the side of the network's images, found %d", size, window)
	}
	if stride < 1 || stride > window {
		return nil, fmt.Errorf("the stride must be from 1 to %d pixels, so that windows of %d leave no gaps, found %d", window, window, stride)
	}
	fill := cmp.Or(m.Fill, Grey)
	colour, classes := fill.values(c), c.Network().Options().Classes
	// The last square of a row, and the last row, may go beyond the image.
	across := 1 + (size-window+stride-1)/stride
	cover := func(i int, pixel func(at int)) {
		top, left := (i/across)*stride, (i%across)*stride
		for y := top; y < min(top+window, size); y++ {
			for x := left; x < min(left+window, size); x++ {
				pixel(y*size + x)
			}
		}
	}
	compute := func(ctx context.Context, image []float32, class choice) ([]float32, error) {
		var whole []float32
		falls, times := make([]float64, size*size), make([]float64, size*size)
		err := run(ctx, c, 1+across*across, func(dst []float32, i int) {
			copy(dst, image)
			if i > 0 {
				cover(i-1, func(at int) { copy(dst[channels*at:], colour[:]) })
			}
		}, func(pixels []float32) ([]float32, error) { return c.Logits(ctx, pixels) }, func(logits []float32, first, count int) {
			if first == 0 {
				whole = logits[:classes:classes]
			}
			explained := class(whole)
			for i := max(first, 1); i < first+count; i++ {
				fall := float64(whole[explained]) - float64(logits[(i-first)*classes+explained])
				cover(i-1, func(at int) { falls[at], times[at] = falls[at]+fall, times[at]+1 })
			}
		})
		if err != nil {
			return nil, err
		}
		values := append([]float32(nil), whole...)
		for i, fall := range falls {
			values = append(values, float32(fall/times[i]))
		}
		return values, nil
	}
	return &opened{
		about: Meaning{
			Title: fmt.Sprintf("Occlusion by %s squares of %d pixels, %d apart", fill, window, stride), Source: "Zeiler and Fergus, arXiv 1311.2901",
			Values: "A pixel's value is how much the logit falls when it is covered, the mean over the squares that cover it.",
			Signed: true,
		},
		height: size, width: size, batch: 1, compute: compute,
	}, nil
}
