// Package bmp decodes Windows' and OS/2's bitmaps: headers of 12 bytes (OS/2 1.x), 16 to
// 64 (OS/2 2.x), 40, 52, 56, 108 and 124 (Windows), with 1, 2, 4, 8, 16, 24 or 32 bits a
// pixel, plain, in bit fields or run-length encoded. What Pillow reads and what browsers
// read is read as they do; where they differ, that is said here.
package bmp

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// Size returns the width and height of a file by its header. An error that wraps
// errors.ErrUnsupported says that the file is of a kind that is not read.
func Size(data []byte) (width, height int, err error) {
	h, err := parse(data)
	if err != nil {
		return 0, 0, err
	}
	return h.width, h.height, nil
}

// Decode decodes a file: 3 channels, or 4 where the file has a mask for alpha and any pixel
// that is not transparent. (A channel of zeros alone is no alpha for browsers, and an
// invisible picture for Pillow.) It allocates the picture that Size tells. The picture that
// comes with an error that wraps io.ErrUnexpectedEOF has black where pixels are missing.
func Decode(data []byte) (*raster.Image, error) {
	h, err := parse(data)
	if err != nil {
		return nil, err
	}
	switch {
	case h.encoding != rows:
		return h.decodeRuns()
	case h.bits <= 8:
		return h.decodePaletted()
	default:
		return h.decodeColours()
	}
}

// stride is the length of a stored row, a multiple of four bytes.
func (h *header) stride() int64 { return (int64(h.width)*int64(h.bits) + 31) / 32 * 4 }

// stored returns the bytes of the row that is stored as number i, of which the padding may
// be missing.
func (h *header) stored(i int) ([]byte, error) {
	at, n := int64(i)*h.stride(), (int64(h.width)*int64(h.bits)+7)/8
	if at+n > int64(len(h.pixels)) {
		return nil, fmt.Errorf("row %d of %d is missing: %w", i+1, h.height, io.ErrUnexpectedEOF)
	}
	return h.pixels[at:][:n], nil
}

// place returns where the row that is stored as number i is in the picture.
func (h *header) place(i int) int {
	if h.topDown {
		return i
	}
	return h.height - 1 - i
}

// colour returns a colour of the palette; black for one that it has not.
func (h *header) colour(index uint8) [3]uint8 {
	if int(index) < len(h.palette) {
		return h.palette[index]
	}
	return [3]uint8{}
}

func (h *header) decodePaletted() (*raster.Image, error) {
	m := raster.New(h.width, h.height, 3)
	var palette [256][3]uint8
	copy(palette[:], h.palette)
	mask := uint8(1<<h.bits - 1)
	for i := range h.height {
		row, err := h.stored(i)
		if err != nil {
			return m, err
		}
		to := m.Row(h.place(i))
		for x := range h.width {
			bit := x * h.bits
			index := row[bit/8] >> (8 - h.bits - bit%8) & mask
			copy(to[3*x:][:3], palette[index][:])
		}
	}
	return m, nil
}

func (h *header) decodeColours() (*raster.Image, error) {
	channels := 3
	if h.masks[3] != 0 && h.anyAlpha() {
		channels = 4
	}
	m := raster.New(h.width, h.height, channels)
	var levels [4]level
	for i, mask := range h.masks {
		levels[i] = newLevel(mask)
	}
	size := h.bits / 8
	bytes := h.masks[0] == 0xFF0000 && h.masks[1] == 0xFF00 && h.masks[2] == 0xFF && size > 2 && channels == 3
	for i := range h.height {
		row, err := h.stored(i)
		if err != nil {
			return m, err
		}
		to := m.Row(h.place(i))
		if bytes {
			for ; len(to) > 0; row, to = row[size:], to[3:] {
				to[0], to[1], to[2] = row[2], row[1], row[0]
			}
			continue
		}
		for ; len(to) > 0; row, to = row[size:], to[channels:] {
			v := pixel(row, size)
			for c := range channels {
				to[c] = levels[c].of(v)
			}
		}
	}
	return m, nil
}

// pixel returns a pixel of 2, 3 or 4 bytes.
func pixel(row []byte, size int) uint32 {
	switch size {
	case 2:
		return uint32(binary.LittleEndian.Uint16(row))
	case 3:
		return uint32(row[0]) | uint32(row[1])<<8 | uint32(row[2])<<16
	}
	return binary.LittleEndian.Uint32(row)
}

// anyAlpha tells whether any pixel that there is has an alpha above zero.
func (h *header) anyAlpha() bool {
	size := h.bits / 8
	for i := range h.height {
		row, err := h.stored(i)
		if err != nil {
			return false
		}
		for ; len(row) >= size; row = row[size:] {
			if pixel(row, size)&h.masks[3] != 0 {
				return true
			}
		}
	}
	return false
}

// A level takes a channel out of a pixel.
type level struct {
	mask    uint32
	shift   int
	largest uint64
}

func newLevel(mask uint32) level {
	shift := bits.TrailingZeros32(mask) & 31
	return level{mask, shift, max(uint64(mask>>shift), 1)}
}

// of scales the channel to 0 to 255.
func (l level) of(pixel uint32) uint8 { return uint8(uint64(pixel&l.mask>>l.shift) * 255 / l.largest) }
