package vision

import (
	"fmt"
	"math/rand/v2"
)

// A Distortion prepares photographs for training as the paper's released code does
// (TF-slim's preprocessing/inception_preprocessing.py): a random part of the image, of
// an area of 10% to 100% and an aspect ratio of 0.75 to 1.33, is resized to a square,
// mirrored half of the time, and changed in brightness, saturation, hue and contrast.
//
// The released code states an area from 5%, but also that a tenth of the object must be
// seen, which without bounding boxes is a tenth of the image. It resizes with one of
// four methods, bilinear in fast mode; here it is always that bilinear one, TensorFlow
// 1's, which does not antialias. EXIF orientation, which it ignores, is applied, as in
// evaluation.
type Distortion struct {
	// Size is the side of the result in pixels.
	Size int
	// Fast leaves hue and contrast as they are, as the released code does by default.
	Fast bool
	// Alpha is what becomes of transparency.
	Alpha Alpha
}

// Side returns Size.
func (d Distortion) Side() int { return d.Size }

// Memory is how many bytes decoding a file takes.
func (d Distortion) Memory(file []byte) int64 { return Memory(file, DecodeOptions{}) }

// Prepare decodes a file, distorts it by what it draws from random, and writes it to
// dst as [Size,Size,3] in [-1,1]. Only the part that is seen is converted to RGB.
func (d Distortion) Prepare(dst []float32, file []byte, random *rand.Rand) error {
	if err := checkInput(dst, d.Size); err != nil {
		return err
	}
	s, err := decodeSource(file, DecodeOptions{Alpha: d.Alpha})
	if err != nil {
		return err
	}
	part, err := s.part(randomCrop(s.width, s.height, random))
	if err != nil {
		return err
	}
	resizeBilinear(dst, part, d.Size, random.IntN(2) == 1)
	distortColour(dst, d.Fast, random)
	for i, v := range dst {
		dst[i] = 2*v - 1
	}
	return nil
}

// A PadCrop prepares small images for training, such as those of CIFAR (He et al.,
// arXiv 1512.03385, section 4.2): the central square, resized to Size with the
// antialiased bilinear filter, is moved by up to an eighth of Size either way, with
// mid-grey where the image ends, and mirrored half of the time.
type PadCrop struct {
	// Size is the side of the result in pixels.
	Size int
	// Alpha is what becomes of transparency.
	Alpha Alpha
}

// Side returns Size.
func (p PadCrop) Side() int { return p.Size }

// Memory is how many bytes decoding a file takes.
func (p PadCrop) Memory(file []byte) int64 { return Memory(file, DecodeOptions{}) }

// Prepare decodes a file, moves it by what it draws from random, and writes it to dst
// as [Size,Size,3] in [-1,1].
func (p PadCrop) Prepare(dst []float32, file []byte, random *rand.Rand) error {
	if err := checkInput(dst, p.Size); err != nil {
		return err
	}
	square := make([]float32, len(dst))
	half := [3]float32{0.5, 0.5, 0.5}
	whole := Preprocessing{Size: p.Size, Crop: 1, Interpolation: Bilinear, Mean: half, Std: half, Alpha: p.Alpha}
	if err := whole.Prepare(square, file, nil); err != nil {
		return err
	}
	pad := p.Size / 8
	right, down := random.IntN(2*pad+1)-pad, random.IntN(2*pad+1)-pad
	shift(dst, square, p.Size, right, down, random.IntN(2) == 1)
	return nil
}

// shift writes src, [side,side,3], to dst, first moved and then mirrored; zeros where
// it does not reach.
func shift(dst, src []float32, side, right, down int, mirrored bool) {
	clear(dst)
	for y := max(down, 0); y < side+min(down, 0); y++ {
		for x := max(right, 0); x < side+min(right, 0); x++ {
			to := x
			if mirrored {
				to = side - 1 - x
			}
			copy(dst[3*(y*side+to):][:3], src[3*((y-down)*side+x-right):])
		}
	}
}

func checkInput(dst []float32, size int) error {
	if size < 1 || size > maxSize || len(dst) != 3*size*size {
		return fmt.Errorf("an image is to be prepared with a side of %d as %d values, expected a side from 1 to %d and three values a pixel", size, len(dst), maxSize)
	}
	return nil
}
