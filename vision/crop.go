package vision

import (
	"errors"
	"fmt"
	"math"
)

// An EvaluationCrop cuts the central part of a photograph (the paper's section 5,
// single crop): the shorter side is resized to floor(Size/Crop), and the central
// square of Size pixels is kept.
type EvaluationCrop struct {
	// Size is the side of the result in pixels.
	Size int
	// Crop is the share of the shorter side that is kept, in (0,1].
	Crop float64
	// Interpolation is what it is resized with.
	Interpolation Interpolation
}

// maxSize is the side of a square of DefaultMaxPixels.
const maxSize = 13377

// maxSide keeps a resized side within what an index can count.
const maxSide = 1 << 30

// geometry returns the size that an image is resized to and the square of it
// that is kept, rounded as torchvision and timm round.
func (c EvaluationCrop) geometry(width, height int) (resizedWidth, resizedHeight int, square region, err error) {
	if err := c.checkSize(); err != nil {
		return 0, 0, region{}, err
	}
	if !(c.Crop > 0 && c.Crop <= 1) {
		return 0, 0, region{}, fmt.Errorf("an evaluation crop of size %d needs a crop in (0,1], found %g", c.Size, c.Crop)
	}
	shorter := math.Floor(float64(c.Size) / c.Crop)
	if resizedWidth, resizedHeight, err = resizedTo(shorter, width, height); err != nil {
		return 0, 0, region{}, err
	}
	square = region{x: middle(resizedWidth - c.Size), y: middle(resizedHeight - c.Size), width: c.Size, height: c.Size}
	return resizedWidth, resizedHeight, square, nil
}

func (c EvaluationCrop) checkSize() error {
	if c.Size < 1 || c.Size > maxSize {
		return fmt.Errorf("an evaluation crop needs a size from 1 to %d, found %d", maxSize, c.Size)
	}
	return nil
}

// resizedTo returns the size of an image whose shorter side is resized to a number of
// pixels, with the longer one rounded down.
func resizedTo(shorter float64, width, height int) (resizedWidth, resizedHeight int, err error) {
	longer := shorter * float64(max(width, height)) / float64(min(width, height))
	if longer > maxSide {
		return 0, 0, fmt.Errorf("an image of %d x %d pixels would be resized to a longer side of %.0f, more than %d", width, height, longer, maxSide)
	}
	if width < height {
		return int(shorter), int(longer), nil
	}
	return int(longer), int(shorter), nil
}

// Apply returns the crop of an image, Size x Size. It computes no more of the resized
// image than the crop. Fields out of range are errors, and so is an image so narrow
// that its longer side would be resized to more than 2^30 pixels.
func (c EvaluationCrop) Apply(m *Image) (*Image, error) {
	if err := errors.Join(m.check(), c.Interpolation.check()); err != nil {
		return nil, err
	}
	width, height, square, err := c.geometry(m.Width, m.Height)
	if err != nil {
		return nil, err
	}
	return resizeRegion(m, width, height, square, c.Interpolation), nil
}
