// Package gif decodes the first frame of GIF files, as Pillow sees it.
//
// The picture is the canvas, grown to the right and down where the frame reaches beyond
// it. What the frame does not cover is transparent where the frame has a transparent
// colour, and has the colour table's first colour otherwise. A file without a table of
// colours is gray.
package gif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// A header is what a file says before the pixels of its first frame.
type header struct {
	width, height int   // of the picture
	frame         frame // within it
	palette       [256][4]uint8
	transparent   int // index; -1 for none
	rest          []byte
}

type frame struct {
	x, y, width, height int
	interlaced          bool
}

var errEnds = fmt.Errorf("the header: %w", io.ErrUnexpectedEOF)

// parse reads all that comes before the first frame's pixels.
func parse(data []byte) (*header, error) {
	const screen = 13
	if len(data) < screen {
		return nil, errEnds
	}
	h := &header{transparent: -1}
	h.width, h.height = int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:]))
	for i := range h.palette { // until there is a table
		h.palette[i] = [4]uint8{uint8(i), uint8(i), uint8(i), 255}
	}
	flags := data[10]
	data = data[screen:]
	var err error
	if data, err = h.readTable(data, flags); err != nil {
		return nil, err
	}
	for len(data) > 0 {
		kind := data[0]
		data = data[1:]
		switch kind {
		case '!':
			if data, err = h.readExtension(data); err != nil {
				return nil, err
			}
		case ',':
			return h, h.readFrame(data)
		case ';':
			return nil, errors.New("it ends without a picture")
		}
		// Other bytes are passed over, as Pillow does.
	}
	return nil, errEnds
}

// readTable reads a table of colours where the flags say that there is one.
func (h *header) readTable(data []byte, flags uint8) ([]byte, error) {
	if flags&0x80 == 0 {
		return data, nil
	}
	n := 2 << (flags & 7)
	if len(data) < 3*n {
		return nil, errEnds
	}
	for i := range h.palette {
		h.palette[i] = [4]uint8{0, 0, 0, 255}
		if i < n {
			copy(h.palette[i][:3], data[3*i:])
		}
	}
	return data[3*n:], nil
}

// readExtension reads the transparent colour of a graphic control extension, and passes
// over others.
func (h *header) readExtension(data []byte) ([]byte, error) {
	const graphicControl = 0xF9
	if len(data) < 1 {
		return nil, errEnds
	}
	label := data[0]
	data = data[1:]
	for first := true; len(data) > 0; first = false {
		n := int(data[0])
		data = data[1:]
		if n == 0 {
			return data, nil
		}
		if len(data) < n {
			return nil, errEnds
		}
		if first && label == graphicControl && n >= 4 && data[0]&1 != 0 {
			h.transparent = int(data[3])
		}
		data = data[n:]
	}
	return nil, errEnds
}

// readFrame reads the frame's own header, after which the picture's size is known.
func (h *header) readFrame(data []byte) error {
	const descriptor = 9
	if len(data) < descriptor {
		return errEnds
	}
	half := func(at int) int { return int(binary.LittleEndian.Uint16(data[at:])) }
	h.frame = frame{x: half(0), y: half(2), width: half(4), height: half(6), interlaced: data[8]&0x40 != 0}
	if h.frame.width == 0 || h.frame.height == 0 {
		return fmt.Errorf("its first frame says %d x %d pixels", h.frame.width, h.frame.height)
	}
	var err error
	if h.rest, err = h.readTable(data[descriptor:], data[8]); err != nil {
		return err
	}
	h.width = max(h.width, h.frame.x+h.frame.width)
	h.height = max(h.height, h.frame.y+h.frame.height)
	if h.transparent >= 0 {
		h.palette[h.transparent][3] = 0
	}
	return nil
}

// Size returns the width and height of the picture by the headers.
func Size(data []byte) (width, height int, err error) {
	h, err := parse(data)
	if err != nil {
		return 0, 0, err
	}
	return h.width, h.height, nil
}

// Decode decodes the first frame: 3 channels, or 4 where it has a transparent colour. It
// allocates the picture that Size tells, and the frame's indices. The picture that comes
// with an error has the palette's first colour where pixels are missing.
func Decode(data []byte) (*raster.Image, error) {
	h, err := parse(data)
	if err != nil {
		return nil, err
	}
	indices := make([]uint8, h.frame.width*h.frame.height)
	n, err := h.decodeIndices(indices)
	if err != nil {
		err = fmt.Errorf("after %d of %d pixels: %w", n, len(indices), err)
	}
	channels, fill := 3, 0
	if h.transparent >= 0 {
		channels, fill = 4, h.transparent
	}
	m := raster.New(h.width, h.height, channels)
	if h.frame.width < h.width || h.frame.height < h.height {
		for i := 0; i < len(m.Pix); i += channels {
			copy(m.Pix[i:][:channels], h.palette[fill][:])
		}
	}
	for i, y := range h.frame.order() {
		to := m.Row(h.frame.y + y)[channels*h.frame.x:]
		for x, index := range indices[i*h.frame.width:][:h.frame.width] {
			copy(to[channels*x:][:channels], h.palette[index][:])
		}
	}
	return m, err
}

// order returns the rows of the frame in the order in which they are stored.
func (f frame) order() []int {
	rows := make([]int, 0, f.height)
	passes := [][2]int{{0, 1}}
	if f.interlaced {
		passes = [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	for _, pass := range passes {
		for y := pass[0]; y < f.height; y += pass[1] {
			rows = append(rows, y)
		}
	}
	return rows
}

// decodeIndices decodes the frame's pixels, and returns how many there are; too few are an
// error. What follows the last pixel is not looked at.
func (h *header) decodeIndices(to []uint8) (n int, err error) {
	data := h.rest
	if len(data) < 1 {
		return 0, io.ErrUnexpectedEOF
	}
	d, err := newDictionary(int(data[0]))
	if err != nil {
		return 0, err
	}
	data = data[1:]
	for n < len(to) {
		if len(data) == 0 {
			return n, io.ErrUnexpectedEOF
		}
		block := data[1:][:min(int(data[0]), len(data)-1)]
		if len(block) == 0 {
			return n, errors.New("its data end too early")
		}
		data = data[1+len(block):]
		written, done, err := d.decode(to[n:], block)
		n += written
		if err != nil {
			return n, err
		}
		if done && n < len(to) {
			return n, errors.New("its data end too early")
		}
	}
	return n, nil
}
