package vision

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestResampler expects the bytes of the plain loops, at sizes that leave the kernels every
// number of rows and of values, and of parts of images that end where their memory does.
func TestResampler(t *testing.T) {
	if resampling.name == plainResampler.name {
		t.Skip("this machine has no AVX2: there is nothing to compare")
	}
	chosen := resampling
	defer func() { resampling = chosen }()
	random := rand.New(rand.NewPCG(5, 6))
	side := func() int { return 1 + random.IntN(70) }
	for range 400 {
		src := noise(side(), side())
		for i := range src.Pix {
			if random.IntN(2) == 0 {
				src.Pix[i] = uint8(255 * random.IntN(2)) // overshoots both ways
			}
		}
		width, height := side(), side()
		r := region{random.IntN(width), random.IntN(height), 0, 0}
		r.width, r.height = 1+random.IntN(width-r.x), 1+random.IntN(height-r.y)
		filter := Interpolation(random.IntN(int(Lanczos) + 1))
		resampling = chosen
		got := resizeRegion(src, width, height, r, filter)
		resampling = plainResampler
		want := resizeRegion(src, width, height, r, filter)
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Fatalf("%d x %d, %v of %d x %d by %v: the bytes differ", src.Width, src.Height, r, width, height, filter)
		}
	}
}
