// Package webp decodes WebP files, lossy and lossless, with and without transparency; of an
// animation, the first frame. It reads the container, and leaves the pixels to
// golang.org/x/image.
package webp

import (
	"bytes"
	"fmt"
	"image"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// A Frame is a picture on its canvas.
type Frame struct {
	// Width and Height are the canvas's.
	Width, Height int
	// X and Y are where the picture's top left corner is on it. What it does not cover is
	// transparent, or black in a file without transparency.
	X, Y int
	// Image is an *image.YCbCr or *image.NYCbCrA of BT.601's limited range, which these
	// types do not usually stand for, or an *image.NRGBA.
	Image image.Image
	// Alpha says that the file has transparency. Where it has not, that of Image is to be
	// left aside.
	Alpha bool
}

// Size returns the width and height of a file's canvas by its headers.
func Size(data []byte) (width, height int, err error) {
	h, err := parse(data)
	if err != nil {
		return 0, 0, err
	}
	return h.width, h.height, nil
}

// Decode decodes a file, or the first frame of it.
func Decode(data []byte) (*Frame, error) {
	h, err := parse(data)
	if err != nil {
		return nil, err
	}
	m, err := h.frame.decode(h.alpha)
	if err != nil {
		return nil, err
	}
	return &Frame{Width: h.width, Height: h.height, X: h.frame.x, Y: h.frame.y, Image: m, Alpha: h.alpha}, nil
}

func (f *frame) decode(withAlpha bool) (image.Image, error) {
	if !f.lossy {
		return vp8l.Decode(bytes.NewReader(f.pixels))
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(f.pixels), len(f.pixels))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return nil, err
	}
	if !withAlpha || f.alpha == nil {
		return m, nil
	}
	alpha, err := decodeAlpha(f.alpha, f.width, f.height)
	if err != nil {
		return nil, fmt.Errorf("its transparency: %w", err)
	}
	return &image.NYCbCrA{YCbCr: *m, A: alpha, AStride: f.width}, nil
}
