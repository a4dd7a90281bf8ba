// Package tiff decodes TIFF and BigTIFF files, of several pictures in one the first: gray,
// RGB, CMYK and palettes, with or without alpha, of 1, 2, 4, 8 or 16 bits a sample, in
// strips, tiles and planes, plain or compressed by LZW, Deflate, PackBits, as JPEGs or as
// faxes. 16 bits are reduced to their upper 8. YCbCr that is no JPEG, Lab and floating-point
// numbers are not read, which the errors say.
package tiff

import (
	"fmt"
	"io"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// Size returns the width and height of a file's first picture. An error that wraps
// errors.ErrUnsupported says that it is of a kind that is not read.
func Size(data []byte) (width, height int, err error) {
	l, _, err := parse(data)
	if err != nil {
		return 0, 0, err
	}
	return l.width, l.height, nil
}

// Decode decodes a file's first picture: 1 channel for gray, 3, or 4 where it has alpha. It
// allocates the picture that Size tells, and little more. The picture that comes with an
// error has zeros where pixels are missing.
func Decode(data []byte) (*raster.Image, error) {
	l, d, err := parse(data)
	if err != nil {
		return nil, err
	}
	m := raster.New(l.width, l.height, l.channels())
	inflater := &inflater{}
	across, down := l.across(), l.down()
	for plane := range l.planes {
		painter := l.painter(plane)
		for i := range across * down {
			x, y := i%across*l.blocks.width, i/across*l.blocks.height
			if err := l.decodeBlock(m, d, plane*across*down+i, x, y, inflater, painter); err != nil {
				return m, fmt.Errorf("the part at pixel %d,%d: %w", x, y, err)
			}
		}
	}
	if l.photometric == cmyk {
		return fromCMYK(m), nil
	}
	if l.alpha == associated {
		divide(m)
	}
	return m, nil
}

// decodeBlock decodes a strip or a tile whose first pixel is at x, y.
func (l *layout) decodeBlock(m *raster.Image, d *directory, i, x, y int, inflater *inflater, paint painter) error {
	offset := d.at(l.blocks.offsets, i)
	if offset < 0 || offset > int64(len(d.data)) {
		return io.ErrUnexpectedEOF
	}
	stored := d.data[offset:]
	rows := min(l.blocks.height, l.height-y)
	samples := l.samples / l.planes
	row := make([]byte, (l.blocks.width*samples*l.depth+7)/8)
	// Without its length, what is compressed ends somewhere before the file's end.
	length := int64(len(stored))
	if l.compression == plain {
		length = int64(rows) * int64(len(row))
	} else if i < d.len(l.blocks.counts) {
		length = d.at(l.blocks.counts, i)
	}
	if length >= 0 && length < int64(len(stored)) {
		stored = stored[:length]
	}
	if l.compression == newJPEG {
		return l.decodeJPEG(m, d, stored, x, y)
	}
	r, err := l.reader(stored, rows, inflater)
	if err != nil {
		return err
	}
	for j := range rows {
		if _, err := io.ReadFull(r, row); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if l.predicted {
			l.sum(row, samples, d)
		}
		paint(m.Row(y + j)[x*m.Channels:], row, min(l.blocks.width, l.width-x))
	}
	return nil
}

// sum replaces differences from the pixel before by their sums.
func (l *layout) sum(row []byte, samples int, d *directory) {
	if l.depth == 8 {
		for i := samples; i < len(row); i++ {
			row[i] += row[i-samples]
		}
		return
	}
	for i := 2 * samples; i+2 <= len(row); i += 2 {
		d.order.PutUint16(row[i:], d.order.Uint16(row[i:])+d.order.Uint16(row[i-2*samples:]))
	}
}
