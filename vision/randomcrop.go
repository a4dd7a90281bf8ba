package vision

import (
	"math"
	"math/rand/v2"
)

// The limits of a random crop, as TF-slim's inception_preprocessing.py
// (distorted_bounding_box_crop) gives them.
const (
	minAspect, maxAspect = 0.75, 1.33 // width by height
	minArea, maxArea     = 0.05, 1.0  // share of the image
	// minCovered is the share of the object's box that a crop must hold. Without
	// boxes, the image is the object: crops of less than a tenth are drawn again.
	minCovered  = 0.1
	maxAttempts = 100
)

// randomCrop draws a region of an image: an aspect ratio, a height between those
// that the areas allow, and a place, each uniformly. After 100 attempts without one
// that fits, which very long images need, it is the whole image. This is
// TensorFlow's sample_distorted_bounding_box, number by number but for the source of
// randomness.
func randomCrop(width, height int, random *rand.Rand) region {
	for range maxAttempts {
		aspect := minAspect + random.Float64()*(maxAspect-minAspect)
		r, ok := cropOfAspect(width, height, aspect, random)
		if ok && float64(r.width*r.height) >= minCovered*float64(width*height) {
			return r
		}
	}
	return region{0, 0, width, height}
}

// cropOfAspect is TensorFlow's GenerateRandomCrop.
func cropOfAspect(width, height int, aspect float64, random *rand.Rand) (region, bool) {
	total := float64(width * height)
	smallest, largest := minArea*total, maxArea*total
	widthOf := func(h int) int { return int(math.RoundToEven(float64(h) * aspect)) }
	h := int(math.RoundToEven(math.Sqrt(smallest / aspect)))
	top := int(math.RoundToEven(math.Sqrt(largest / aspect)))
	if widthOf(top) > width {
		const epsilon = 1e-7
		top = int((float64(width) + 0.5 - epsilon) / aspect)
		if widthOf(top) > width {
			top--
		}
	}
	top = min(top, height)
	h = min(h, top)
	h += random.IntN(top - h + 1)
	w := widthOf(h)
	// Rounding may have left the areas allowed by a row.
	if float64(w*h) < smallest {
		h++
		w = widthOf(h)
	}
	if float64(w*h) > largest {
		h--
		w = widthOf(h)
	}
	if area := float64(w * h); area < smallest || area > largest || w > width || h > height || w < 1 || h < 1 {
		return region{}, false
	}
	// The last place is never drawn, as in TensorFlow.
	r := region{width: w, height: h}
	if h < height {
		r.y = random.IntN(height - h)
	}
	if w < width {
		r.x = random.IntN(width - w)
	}
	return r, true
}
