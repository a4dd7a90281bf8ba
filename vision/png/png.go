// Package png decodes PNG files, of an animated one the still picture that all readers
// show. 16 bits a sample are reduced to their upper 8; colours are taken as they are,
// without gamma or profile.
//
// A file is read when its pixels are all there, whatever is missing or damaged after them
// and in the chunks that are not needed. Two checksums guard the pixels; they are refused
// when neither of them vouches for what was read.
package png

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"io"

	"github.com/klauspost/compress/flate"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// Size returns the width and height of a file by its header. An error that wraps
// errors.ErrUnsupported says that the file is of a kind that is not read.
func Size(data []byte) (width, height int, err error) {
	for c := range chunks(data) {
		h, err := parseHeader(c)
		if err != nil {
			return 0, 0, err
		}
		return h.width, h.height, nil
	}
	return 0, 0, fmt.Errorf("the header: %w", io.ErrUnexpectedEOF)
}

// Decode decodes a file: 1 channel for gray, 3, or 4 where it has transparency. It
// allocates the picture that Size tells, and copies the compressed pixels where they are
// in several chunks. The picture that comes with an error has zeros where pixels are
// missing.
func Decode(data []byte) (*raster.Image, error) {
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	stream, err := newStream(f.pixels)
	if err != nil {
		return nil, err
	}
	if f.spoilt {
		stream.sum = adler32.New()
	}
	p := newPainter(f)
	m := raster.New(f.header.width, f.header.height, p.channels)
	for _, pass := range f.header.passes() {
		if err := stream.decodePass(m, f.header, pass, p); err != nil {
			return m, err
		}
	}
	if f.spoilt {
		if err := stream.verify(); err != nil {
			return m, err
		}
	}
	return m, nil
}

// A pass is the part of an interlaced picture that is stored together: every stepX-th
// pixel of every stepY-th row.
type pass struct{ x, y, stepX, stepY int }

func (h *header) passes() []pass {
	if !h.interlaced {
		return []pass{{0, 0, 1, 1}}
	}
	return []pass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
}

// A stream inflates the pixels, and sums them.
type stream struct {
	compressed *bytes.Reader
	inflate    io.Reader
	sum        hash.Hash32 // nil unless verify is to be called
}

func newStream(compressed []byte) (*stream, error) {
	const method, preset = 8, 0x20
	if len(compressed) < 2 {
		return nil, io.ErrUnexpectedEOF
	}
	if compressed[0]&15 != method || compressed[1]&preset != 0 || binary.BigEndian.Uint16(compressed)%31 != 0 {
		return nil, errors.New("its compressed pixels begin wrongly")
	}
	r := bytes.NewReader(compressed[2:])
	return &stream{compressed: r, inflate: flate.NewReader(r)}, nil
}

// verify compares the sum that stands after the pixels with that of all that is
// compressed. It is called when the checksum of the chunks is wrong.
func (s *stream) verify() error {
	const surplus = 1 << 20 // bytes after the pixels that are inflated at most
	spoilt := errors.New("the checksums of its pixels are wrong")
	if n, err := io.CopyN(s.sum, s.inflate, surplus); err != io.EOF || n == surplus {
		return spoilt
	}
	var want [4]byte
	if _, err := io.ReadFull(s.compressed, want[:]); err != nil || binary.BigEndian.Uint32(want[:]) != s.sum.Sum32() {
		return spoilt
	}
	return nil
}

func (s *stream) decodePass(m *raster.Image, h *header, pass pass, p *painter) error {
	if pass.x >= h.width || pass.y >= h.height {
		return nil
	}
	width := (h.width - pass.x + pass.stepX - 1) / pass.stepX
	n := h.rowBytes(width)
	row, above := make([]byte, 1+n), make([]byte, 1+n)
	distance := max(h.samples()*h.depth/8, 1) // in bytes, from a pixel to the one before
	for y := pass.y; y < h.height; y += pass.stepY {
		if _, err := io.ReadFull(s.inflate, row); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("row %d of %d: %w", y+1, h.height, err)
		}
		if s.sum != nil {
			_, _ = s.sum.Write(row)
		}
		if err := unfilter(row[0], row[1:], above[1:], distance); err != nil {
			return fmt.Errorf("row %d of %d: %w", y+1, h.height, err)
		}
		p.paint(m.Row(y)[p.channels*pass.x:], row[1:], width, p.channels*pass.stepX)
		row, above = above, row
	}
	return nil
}
