package events

import (
	"fmt"
	"image"
)

// Input returns a network's input as a picture: pixels are [side, side, 3], RGB in
// [-1,1]; what lies beyond is cut off.
func Input(pixels []float32, side int) (image.Image, error) {
	if side < 1 || len(pixels) != side*side*3 {
		return nil, fmt.Errorf("a network's input of %d values was said to have a side of %d pixels, expected three values for each pixel", len(pixels), side)
	}
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		for c, v := range pixels[3*i:][:3] {
			picture.Pix[4*i+c] = uint8(min(max(127.5*(v+1)+0.5, 0), 255))
		}
		picture.Pix[4*i+3] = 255
	}
	return picture, nil
}
