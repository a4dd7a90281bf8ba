package webp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A chunk is a part of a file.
type chunk struct {
	kind string
	body []byte
	cut  bool // the file ends within it
}

func chunks(data []byte) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		const frame = 8 // bytes of the kind and the length
		for len(data) >= frame {
			length := int64(binary.LittleEndian.Uint32(data[4:]))
			end := min(frame+length, int64(len(data)))
			if !yield(chunk{string(data[:4]), data[frame:end], end < frame+length}) {
				return
			}
			data = data[min(frame+length+length%2, int64(len(data))):]
		}
	}
}

// inside returns what the RIFF header holds.
func inside(data []byte) []byte {
	const riff = 12
	return data[min(riff, len(data)):]
}

// A header is what stands before the pixels of the first picture.
type header struct {
	width, height int // of the canvas
	alpha         bool
	frame         frame
}

// A frame is the first picture's place on the canvas, and its pixels.
type frame struct {
	x, y, width, height int
	lossy               bool
	alpha               []byte // the chunk ALPH
	pixels              []byte
}

var errSize = errors.New("its sizes contradict each other")

// The lengths of the fixed parts.
const (
	extendedHeader  = 10
	animationHeader = 16
	lossyHeader     = 10
	losslessHeader  = 5
)

func parse(data []byte) (*header, error) {
	h := &header{}
	extended := false
	var alpha []byte
	for c := range chunks(inside(data)) {
		switch c.kind {
		case "VP8X":
			if len(c.body) < extendedHeader {
				return nil, fmt.Errorf("the header: %w", io.ErrUnexpectedEOF)
			}
			const alphaFlag = 1 << 4
			extended, h.alpha = true, c.body[0]&alphaFlag != 0
			h.width, h.height = 1+uint24(c.body[4:]), 1+uint24(c.body[7:])
		case "ALPH":
			if c.cut {
				return nil, fmt.Errorf("its transparency: %w", io.ErrUnexpectedEOF)
			}
			alpha = c.body
		case "ANMF":
			if !extended {
				return nil, errors.New("it has frames without a canvas")
			}
			return h, h.readAnimationFrame(c)
		case "VP8 ", "VP8L":
			if err := h.frame.readPixels(c, alpha); err != nil {
				return nil, err
			}
			f := &h.frame
			if !extended {
				h.width, h.height = f.width, f.height
			}
			// A lossless picture may have transparency that the flags do not tell.
			h.alpha = h.alpha || f.transparent()
			if f.width != h.width || f.height != h.height {
				return nil, errSize
			}
			return h, nil
		}
	}
	return nil, fmt.Errorf("its pixels are missing: %w", io.ErrUnexpectedEOF)
}

// readAnimationFrame reads the first frame of an animation.
func (h *header) readAnimationFrame(c chunk) error {
	if len(c.body) < animationHeader {
		return fmt.Errorf("its first frame: %w", io.ErrUnexpectedEOF)
	}
	b := c.body
	x, y := 2*uint24(b), 2*uint24(b[3:])
	width, height := 1+uint24(b[6:]), 1+uint24(b[9:])
	if x+width > h.width || y+height > h.height {
		return errSize
	}
	var alpha []byte
	for c := range chunks(b[animationHeader:]) {
		switch c.kind {
		case "ALPH":
			alpha = c.body
		case "VP8 ", "VP8L":
			if err := h.frame.readPixels(c, alpha); err != nil {
				return err
			}
			f := &h.frame
			f.x, f.y = x, y
			if f.width != width || f.height != height {
				return errSize
			}
			return nil
		}
	}
	return fmt.Errorf("the pixels of its first frame are missing: %w", io.ErrUnexpectedEOF)
}

// readPixels reads the size of a compressed picture.
func (f *frame) readPixels(c chunk, alpha []byte) error {
	if c.cut {
		return io.ErrUnexpectedEOF
	}
	f.lossy, f.pixels = c.kind == "VP8 ", c.body
	if f.lossy {
		if len(c.body) < lossyHeader || c.body[0]&1 != 0 || string(c.body[3:6]) != "\x9d\x01\x2a" {
			return errors.New("its pixels begin wrongly")
		}
		const size = 1<<14 - 1
		f.width = int(binary.LittleEndian.Uint16(c.body[6:])) & size
		f.height = int(binary.LittleEndian.Uint16(c.body[8:])) & size
		f.alpha = alpha
	} else {
		if len(c.body) < losslessHeader || c.body[0] != 0x2f {
			return errors.New("its pixels begin wrongly")
		}
		const size = 1<<14 - 1
		sizes := int(binary.LittleEndian.Uint32(c.body[1:]))
		f.width, f.height = 1+sizes&size, 1+sizes>>14&size
	}
	if f.width == 0 || f.height == 0 {
		return fmt.Errorf("its header says %d x %d pixels", f.width, f.height)
	}
	return nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// transparent tells whether a lossless picture has transparency.
func (f *frame) transparent() bool { return !f.lossy && f.pixels[4]&0x10 != 0 }

// EXIF returns the file's EXIF data, which may stand after the pixels; nil if it has none,
// or if its flags do not tell of them.
func EXIF(data []byte) []byte { return find(data, "EXIF", 1<<3) }

// XMP returns the file's XMP packet as EXIF does.
func XMP(data []byte) []byte { return find(data, "XMP ", 1<<2) }

func find(data []byte, kind string, flag uint8) []byte {
	told := false
	for c := range chunks(inside(data)) {
		switch {
		case c.kind == "VP8X" && len(c.body) > 0:
			told = c.body[0]&flag != 0
		case c.kind == kind && told:
			return c.body
		}
	}
	return nil
}
