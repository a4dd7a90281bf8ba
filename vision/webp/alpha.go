package webp

import (
	"bytes"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/vp8l"
)

// decodeAlpha decodes a chunk ALPH: a byte of flags, and a plane of bytes, plain or as the
// green of a lossless picture without its header.
func decodeAlpha(data []byte, width, height int) ([]uint8, error) {
	if len(data) < 1 {
		return nil, io.ErrUnexpectedEOF
	}
	flags, data := data[0], data[1:]
	plane := make([]uint8, width*height)
	switch flags & 3 {
	case 0:
		if copy(plane, data) < len(plane) {
			return nil, io.ErrUnexpectedEOF
		}
	case 1:
		sizes := uint32(width-1) | uint32(height-1)<<14
		header := []byte{0x2f, uint8(sizes), uint8(sizes >> 8), uint8(sizes >> 16), uint8(sizes >> 24)}
		m, err := vp8l.Decode(io.MultiReader(bytes.NewReader(header), bytes.NewReader(data)))
		if err != nil {
			return nil, err
		}
		green, ok := m.(*image.NRGBA)
		if !ok || len(green.Pix) != 4*len(plane) {
			return nil, errSize
		}
		for i := range plane {
			plane[i] = green.Pix[4*i+1]
		}
	default:
		return nil, fmt.Errorf("its compression is %d, expected 0 or 1", flags&3)
	}
	unfilterAlpha(plane, width, flags>>2&3)
	return plane, nil
}

// unfilterAlpha adds to each value what it was predicted as: 1 the one before, 2 the one
// above, 3 the plane through those and the one between them, clipped. The first row is
// predicted from the one before, the first column from the one above.
func unfilterAlpha(plane []uint8, width int, filter uint8) {
	if filter == 0 {
		return
	}
	for x := 1; x < width; x++ {
		plane[x] += plane[x-1]
	}
	for at := width; at < len(plane); at += width {
		above, row := plane[at-width:at], plane[at:at+width]
		row[0] += above[0]
		for x := 1; x < width; x++ {
			switch filter {
			case 1:
				row[x] += row[x-1]
			case 2:
				row[x] += above[x]
			case 3:
				row[x] += uint8(min(max(int(row[x-1])+int(above[x])-int(above[x-1]), 0), 255))
			}
		}
	}
}
