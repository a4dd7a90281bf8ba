package bmp

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// The values of a header's field compression.
const (
	plain          = 0
	rle8           = 1
	rle4           = 2
	bitFields      = 3 // Huffman in OS/2 2.x
	embeddedJPEG   = 4 // RLE24 in OS/2 2.x
	embeddedPNG    = 5
	alphaBitFields = 6
)

const fileHeader = 14 // bytes before the header of the bitmap

// A header is what a file says before its pixels.
type header struct {
	width, height int
	topDown       bool
	bits          int // a pixel
	encoding      encoding
	palette       [][3]uint8 // R, G, B
	masks         [4]uint32  // of R, G, B and alpha
	pixels        []byte
}

// An encoding is how the pixels are written.
type encoding int

const (
	rows encoding = iota
	runs4
	runs8
	runs24
)

// parse reads the headers and the palette. Nothing that it allocates depends on the size.
func parse(data []byte) (*header, error) {
	if len(data) < fileHeader+4 {
		return nil, fmt.Errorf("the header ends after %d bytes", len(data))
	}
	offset := int64(binary.LittleEndian.Uint32(data[10:]))
	length := int64(binary.LittleEndian.Uint32(data[fileHeader:]))
	known := length == 12 || length >= 16 && length <= 64 && length%4 == 0 || length == 42 || length == 46 || length == 108 || length == 124
	if !known {
		return nil, raster.Unsupported("a header of %d bytes", length)
	}
	if int64(len(data)) < fileHeader+length {
		return nil, fmt.Errorf("the header ends after %d bytes", len(data))
	}
	// Fields that a short header has not are zero.
	var fields [124]byte
	copy(fields[:], data[fileHeader:][:length])
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(fields[at:]) }
	half := func(at int) int { return int(binary.LittleEndian.Uint16(fields[at:])) }

	h := &header{masks: [4]uint32{0xFF0000, 0xFF00, 0xFF}}
	var compression, colours uint32
	entry := 4 // bytes of a colour in the palette
	if length == 12 {
		h.width, h.height, h.bits = half(4), half(6), half(10)
		entry = 3
	} else {
		h.width = int(int32(word(4)))
		h.height = int(int32(word(8)))
		if h.height < 0 {
			h.height, h.topDown = -h.height, true
		}
		h.bits = half(14)
		compression, colours = word(16), word(32)
	}
	if h.width < 1 || h.height < 1 {
		return nil, fmt.Errorf("the header says %d x %d pixels", h.width, h.height)
	}

	os2 := length != 40 && length != 52 && length != 56 && length < 108
	end := fileHeader + length // of the headers and the masks
	if err := h.setEncoding(compression, os2); err != nil {
		return nil, err
	}
	if !os2 && (compression == bitFields || compression == alphaBitFields) {
		count := 3 // masks
		if compression == alphaBitFields || length >= 56 {
			count = 4
		}
		at := int64(fileHeader + 40)
		if length == 40 {
			end += int64(4 * count)
		}
		if int64(len(data)) < at+int64(4*count) {
			return nil, fmt.Errorf("the masks of the colours end after %d bytes", len(data))
		}
		h.masks = [4]uint32{}
		for i := range count {
			h.masks[i] = binary.LittleEndian.Uint32(data[at+int64(4*i):])
		}
	}
	if h.bits == 16 && (compression == plain || h.masks == [4]uint32{}) {
		h.masks = [4]uint32{0x7C00, 0x3E0, 0x1F}
	}
	if h.masks == [4]uint32{} { // as Pillow has it
		h.masks = [4]uint32{0xFF0000, 0xFF00, 0xFF, 0xFF000000}
	}
	for _, mask := range h.masks {
		if ones := mask >> bits.TrailingZeros32(mask); ones&(ones+1) != 0 {
			return nil, raster.Unsupported("a mask of colours with a hole, %08x", mask)
		}
	}

	if h.bits <= 8 {
		end = h.readPalette(data, end, offset, entry, colours)
	}
	if offset <= fileHeader+length && offset < end {
		offset = end // an offset that forgets what precedes the pixels
	}
	h.pixels = data[min(offset, int64(len(data))):]
	return h, nil
}

// setEncoding checks the compression with the bits a pixel.
func (h *header) setEncoding(compression uint32, os2 bool) error {
	switch {
	case os2 && compression == bitFields:
		return raster.Unsupported("OS/2's Huffman coding")
	case os2 && compression == embeddedJPEG && h.bits == 24:
		h.encoding = runs24
	case compression == rle8 && h.bits == 8:
		h.encoding = runs8
	case compression == rle4 && h.bits == 4:
		h.encoding = runs4
	case !os2 && compression == embeddedJPEG:
		return raster.Unsupported("a JPEG within a BMP")
	case !os2 && compression == embeddedPNG:
		return raster.Unsupported("a PNG within a BMP")
	case compression == plain:
		switch h.bits {
		case 1, 2, 4, 8, 16, 24, 32:
		default:
			return raster.Unsupported("%d bits a pixel", h.bits)
		}
	case !os2 && (compression == bitFields || compression == alphaBitFields) && (h.bits == 16 || h.bits == 24 || h.bits == 32):
	default:
		return raster.Unsupported("compression %d with %d bits a pixel", compression, h.bits)
	}
	return nil
}

// readPalette reads the colours that stand between the headers and the pixels, and
// returns where they end.
func (h *header) readPalette(data []byte, at, pixels int64, entry int, colours uint32) int64 {
	if most := uint32(1) << h.bits; colours == 0 || colours > most {
		colours = most
	}
	end := at + int64(colours)*int64(entry)
	if pixels > at { // there may be fewer than the header says
		end = min(end, pixels)
	}
	for end = min(end, int64(len(data))); at+int64(entry) <= end; at += int64(entry) {
		h.palette = append(h.palette, [3]uint8{data[at+2], data[at+1], data[at]})
	}
	return end
}
