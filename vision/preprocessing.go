package vision

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// A Preprocessing says how a photograph becomes a network's input in evaluation (the
// paper's section 5, single crop): its shorter side is resized to floor(Size/Crop), the
// central square of Size pixels is kept, and each channel, scaled to [0,1], has Mean
// subtracted and is divided by Std. It is written as JSON into files of weights.
type Preprocessing struct {
	// Size is the side of the result in pixels.
	Size int `json:"size"`
	// Crop is the share of the resized shorter side that is kept, in (0,1].
	Crop float64 `json:"crop"`
	// Interpolation is what it is resized with.
	Interpolation Interpolation `json:"interpolation"`
	// Fit is what becomes of the proportions where they are not a square's; FitCenter, which
	// the above says, when empty. With FitSquash both sides are resized to
	// floor(Size/Crop), with FitBorder the longer one.
	Fit Fit `json:"fit,omitempty"`
	// Mean and Std are in R, G, B order, for values in [0,1].
	Mean [3]float32 `json:"mean"`
	Std  [3]float32 `json:"std"`
	// Alpha is what becomes of transparency where a file is decoded, as DecodeOptions has it.
	Alpha Alpha `json:"alpha,omitempty"`
}

// maxSize is the side of a square of DefaultMaxPixels.
const maxSize = 13377

// maxSide keeps a resized side within what an index can count.
const maxSide = 1 << 30

// geometry returns the size that an image is resized to and the square of it
// that is kept, rounded as torchvision and timm round.
func (p Preprocessing) geometry(width, height int) (resizedWidth, resizedHeight int, square region, err error) {
	if err := p.checkSize(); err != nil {
		return 0, 0, region{}, err
	}
	if err := p.checkCrop(); err != nil {
		return 0, 0, region{}, err
	}
	side := math.Floor(float64(p.Size) / p.Crop)
	switch p.Fit {
	case FitSquash:
		resizedWidth, resizedHeight = int(side), int(side)
	case FitBorder:
		ratio := float64(max(width, height)) / side
		resizedWidth = max(1, int(math.RoundToEven(float64(width)/ratio)))
		resizedHeight = max(1, int(math.RoundToEven(float64(height)/ratio)))
	default:
		if resizedWidth, resizedHeight, err = resizedTo(side, width, height); err != nil {
			return 0, 0, region{}, err
		}
	}
	square = region{x: middle(resizedWidth - p.Size), y: middle(resizedHeight - p.Size), width: p.Size, height: p.Size}
	return resizedWidth, resizedHeight, square, nil
}

func (p Preprocessing) checkSize() error {
	if p.Size < 1 || p.Size > maxSize {
		return fmt.Errorf("an evaluation crop needs a size from 1 to %d, found %d", maxSize, p.Size)
	}
	return nil
}

func (p Preprocessing) checkCrop() error {
	if !(p.Crop > 0 && p.Crop <= 1) {
		return fmt.Errorf("an evaluation crop of size %d needs a crop in (0,1], found %g", p.Size, p.Crop)
	}
	return nil
}

// Check returns an error that names every field that is out of its range.
func (p Preprocessing) Check() error {
	return errors.Join(p.checkSize(), p.checkCrop(), p.Interpolation.check(), p.Fit.check(), checkStd(p.Std), p.Alpha.check())
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

// CentralCrop returns the crop of an image before it is normalised, Size x Size. It
// computes no more of the resized image than the crop. Fields out of range are errors, and
// so is an image so narrow that its longer side would be resized to more than 2^30 pixels.
func (p Preprocessing) CentralCrop(m *Image) (*Image, error) {
	if err := errors.Join(m.check(), p.Interpolation.check(), p.Fit.check()); err != nil {
		return nil, err
	}
	width, height, square, err := p.geometry(m.PhotoSize())
	if err != nil {
		return nil, err
	}
	if p.Fit == FitBorder {
		return p.bordered(m, width, height), nil
	}
	if p.Fit == FitSquash && m.reduced == nil && columnsFirst(m.Width, m.Height, width, height) {
		m = resizeRegion(m, m.Width, height, region{y: square.y, width: m.Width, height: square.height}, p.Interpolation)
		height, square.y = square.height, 0
	}
	return resizeRegion(m, width, height, square, p.Interpolation), nil
}

// columnsFirst reports whether Pillow, since version 13, resizes the columns of an image
// before its rows, which matters since each pass is rounded. It does where much is taken
// off the height and little off the width.
func columnsFirst(width, height, newWidth, newHeight int) bool {
	return height > newHeight && height-newHeight > 2*(width-newWidth)
}

// bordered puts a resized image into the middle of a square of the mean colour. Of what is
// larger than the square the middle is kept.
func (p Preprocessing) bordered(m *Image, width, height int) *Image {
	across, down := min(width, p.Size), min(height, p.Size)
	inner := resizeRegion(m, width, height, region{x: middle(width - across), y: middle(height - down), width: across, height: down}, p.Interpolation)
	square := &Image{Width: p.Size, Height: p.Size, Pix: make([]uint8, 3*p.Size*p.Size)}
	var colour [3]uint8
	for i, v := range p.Mean {
		colour[i] = uint8(max(0, min(255, math.RoundToEven(255*float64(v)))))
	}
	for i := range square.Pix {
		square.Pix[i] = colour[i%3]
	}
	left, top := (p.Size-across)/2, (p.Size-down)/2
	for y := range down {
		copy(square.Pix[3*((top+y)*p.Size+left):], inner.Pix[3*y*across:3*(y+1)*across])
	}
	return square
}

// Apply writes the network's input of an image to dst, [Size,Size,3]; errors are those of
// [Preprocessing.CentralCrop] and [Normalize].
func (p Preprocessing) Apply(dst []float32, m *Image) error {
	crop, err := p.CentralCrop(m)
	if err != nil {
		return err
	}
	return Normalize(dst, crop, p.Mean, p.Std)
}

// ResizedTo returns the shorter side that photographs are resized to, for
// [DecodeOptions.ResizedTo]; 0 where Size and Crop are out of range, and where a photograph
// has to be decoded at its full size.
func (p Preprocessing) ResizedTo() int {
	if errors.Join(p.checkSize(), p.checkCrop()) != nil || p.Fit == FitBorder || p.Interpolation == Nearest {
		return 0 // nothing is known of the shorter side of what has a border
	}
	return int(math.Floor(float64(p.Size) / p.Crop))
}

// Side returns Size.
func (p Preprocessing) Side() int { return p.Size }

// Memory is how many bytes decoding a file takes.
func (p Preprocessing) Memory(file []byte) int64 { return Memory(file, DecodeOptions{}) }

// Prepare decodes a file and writes the network's input to dst, [Size,Size,3]. It draws
// nothing from random, which may be nil.
func (p Preprocessing) Prepare(dst []float32, file []byte, _ *rand.Rand) error {
	if err := checkInput(dst, p.Size); err != nil {
		return err
	}
	m, err := Decode(file, DecodeOptions{Alpha: p.Alpha})
	if err != nil {
		return err
	}
	return p.Apply(dst, m)
}
