package png

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"slices"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

const signature = "\x89PNG\r\n\x1a\n"

// A chunk is a part of a file.
type chunk struct {
	kind string
	body []byte
	sum  int
}

// What a chunk's checksum says.
const (
	sumRight = iota
	sumMissing
	sumWrong
)

// chunks are those of a file, of which the last one may be cut.
func chunks(data []byte) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		const frame = 8 // bytes of the length and the kind
		for data = data[min(len(signature), len(data)):]; len(data) >= frame; {
			length := int64(binary.BigEndian.Uint32(data))
			end := min(frame+length, int64(len(data)))
			c := chunk{kind: string(data[4:frame]), body: data[frame:end]}
			switch rest := data[end:]; {
			case len(rest) < 4:
				c.sum = sumMissing
			case binary.BigEndian.Uint32(rest) != crc32.ChecksumIEEE(data[4:end]):
				c.sum = sumWrong
			}
			if !yield(c) {
				return
			}
			data = data[min(end+4, int64(len(data))):]
		}
	}
}

// The colour types.
const (
	gray      = 0
	rgb       = 2
	paletted  = 3
	grayAlpha = 4
	rgba      = 6
)

// A header is what a file says of its pixels.
type header struct {
	width, height int
	depth         int // bits a sample
	colours       int // type
	interlaced    bool
}

// samples is how many samples a pixel has.
func (h *header) samples() int {
	return [...]int{gray: 1, rgb: 3, paletted: 1, grayAlpha: 2, rgba: 4}[h.colours]
}

// rowBytes is the length of a row of pixels as it is stored, without its filter.
func (h *header) rowBytes(width int) int { return (width*h.samples()*h.depth + 7) / 8 }

func parseHeader(c chunk) (*header, error) {
	if c.kind == "CgBI" {
		return nil, raster.Unsupported("a PNG for Apple's devices alone")
	}
	if c.kind != "IHDR" || len(c.body) < 13 || c.sum != sumRight {
		return nil, errors.New("its header is damaged")
	}
	b := c.body
	h := &header{depth: int(b[8]), colours: int(b[9]), interlaced: b[12] == 1}
	width, height := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	const most = 1<<31 - 1
	if width < 1 || height < 1 || width > most || height > most {
		return nil, fmt.Errorf("the header says %d x %d pixels", width, height)
	}
	h.width, h.height = int(width), int(height)
	depths := map[int][]int{gray: {1, 2, 4, 8, 16}, rgb: {8, 16}, paletted: {1, 2, 4, 8}, grayAlpha: {8, 16}, rgba: {8, 16}}
	if !slices.Contains(depths[h.colours], h.depth) {
		return nil, raster.Unsupported("colour type %d with %d bits a sample", h.colours, h.depth)
	}
	if b[10] != 0 || b[11] != 0 || b[12] > 1 {
		return nil, raster.Unsupported("compression %d, filter %d, interlace %d", b[10], b[11], b[12])
	}
	return h, nil
}

// A file is what is needed of a file's chunks.
type file struct {
	header  *header
	palette []byte // R, G, B
	alpha   []byte // the chunk tRNS
	pixels  []byte // compressed
	// spoilt says that a checksum of the compressed pixels is wrong.
	spoilt bool
}

func parse(data []byte) (*file, error) {
	f := &file{}
	done := false
	var pixels [][]byte
	for c := range chunks(data) {
		if f.header == nil {
			var err error
			if f.header, err = parseHeader(c); err != nil {
				return nil, err
			}
			continue
		}
		switch c.kind {
		case "PLTE":
			if c.sum != sumRight {
				return nil, errors.New("its palette is damaged")
			}
			f.palette = c.body[:min(len(c.body), 256*3)]
		case "tRNS":
			f.alpha = c.body
		case "IDAT":
			pixels = append(pixels, c.body)
			f.spoilt = f.spoilt || c.sum == sumWrong
		default:
			done = pixels != nil
		}
		if done {
			break
		}
	}
	switch len(pixels) {
	case 0:
		return nil, fmt.Errorf("its pixels are missing: %w", io.ErrUnexpectedEOF)
	case 1:
		f.pixels = pixels[0]
	default:
		f.pixels = slices.Concat(pixels...)
	}
	if f.header.colours == paletted && f.palette == nil {
		return nil, errors.New("its palette is missing")
	}
	return f, nil
}
