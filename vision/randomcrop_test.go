package vision

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRandomCrop draws from images of many shapes, and expects the areas, aspect
// ratios and places that are allowed, and nearly all of them.
func TestRandomCrop(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for _, size := range [][2]int{{400, 533}, {533, 400}, {500, 375}, {299, 299}, {32, 32}, {75, 56}, {2400, 1600}} {
		width, height := size[0], size[1]
		leastArea, mostArea := 1.0, 0.0
		leastAspect, mostAspect := 2.0, 0.0
		right, bottom, left, top := 0, 0, width, height
		for range 5000 {
			r := randomCrop(width, height, random)
			if r.x < 0 || r.y < 0 || r.width < 1 || r.height < 1 || r.x+r.width > width || r.y+r.height > height {
				t.Fatalf("%v: the crop %+v is not within", size, r)
			}
			area := float64(r.width*r.height) / float64(width*height)
			leastArea, mostArea = min(leastArea, area), max(mostArea, area)
			// The width is rounded to a pixel.
			if a := (float64(r.width) + 0.5) / float64(r.height); a < 0.75 {
				t.Fatalf("%v: the crop %+v is too narrow", size, r)
			}
			if a := (float64(r.width) - 0.5) / float64(r.height); a > 1.33 {
				t.Fatalf("%v: the crop %+v is too wide", size, r)
			}
			aspect := float64(r.width) / float64(r.height)
			leastAspect, mostAspect = min(leastAspect, aspect), max(mostAspect, aspect)
			left, top = min(left, r.x), min(top, r.y)
			right, bottom = max(right, r.x+r.width), max(bottom, r.y+r.height)
		}
		if leastArea < 0.1 || leastArea > 0.13 || mostArea < 0.7 || mostArea > 1 {
			t.Errorf("%v: areas from %.3f to %.3f, want about 0.1 to 1", size, leastArea, mostArea)
		}
		if math.Abs(leastAspect-0.75) > 0.05 || math.Abs(mostAspect-1.33) > 0.1 {
			t.Errorf("%v: aspect ratios from %.3f to %.3f, want about 0.75 to 1.33", size, leastAspect, mostAspect)
		}
		if left > 1 || top > 1 || right < width-2 || bottom < height-2 {
			t.Errorf("%v: crops reach from %d,%d to %d,%d", size, left, top, right, bottom)
		}
	}
}

// TestRandomCropOfAStrip expects the whole of images that no crop can be cut from.
func TestRandomCropOfAStrip(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for _, size := range [][2]int{{1000, 10}, {3, 900}, {1, 1}} {
		if r := randomCrop(size[0], size[1], random); r != (region{0, 0, size[0], size[1]}) {
			t.Errorf("%v: %+v, want the whole image", size, r)
		}
	}
}

// TestCropOfAspect has the bounds worked out by hand: of 100 x 50 pixels with the
// aspect ratio 1, heights go from sqrt(0.05*5000) = 16 to the image's 50.
func TestCropOfAspect(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	count := map[int]int{}
	for range 35000 {
		r, ok := cropOfAspect(100, 50, 1, random)
		if !ok || r.width != r.height {
			t.Fatalf("%+v, %t", r, ok)
		}
		if r.height == 50 && r.y != 0 || r.height < 50 && r.y > 49-r.height || r.x > 99-r.width {
			t.Fatalf("%+v is in a place that TensorFlow does not draw", r)
		}
		count[r.height]++
	}
	// 16 is a square of 256 pixels, more than the 250 that are asked for.
	for h := 16; h <= 50; h++ {
		if n := count[h]; n < 800 || n > 1200 { // 1000 expected, with a deviation of 31
			t.Errorf("height %d was drawn %d times of 35000, want about 1000", h, n)
		}
	}
	if len(count) != 35 {
		t.Errorf("%d heights, want 35", len(count))
	}
}
