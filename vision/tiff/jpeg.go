package tiff

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"github.com/seed-fb2c0fa6/inception/vision/jpeg"
	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// checkJPEG refuses kinds of pictures whose strips or tiles are JPEG files without their
// tables.
func (l *layout) checkJPEG() error {
	gray := l.samples == 1 && (l.photometric == blackIsZero || l.photometric == whiteIsZero)
	coloured := l.samples == 3 && (l.photometric == rgb || l.photometric == yCbCr)
	if l.depth != 8 || l.planes != 1 || !gray && !coloured {
		return raster.Unsupported("JPEGs of %d samples in %d planes within a TIFF", l.samples, l.planes)
	}
	return nil
}

// decodeJPEG decodes a strip or a tile whose first pixel is at x, y.
func (l *layout) decodeJPEG(m *raster.Image, d *directory, stored []byte, x, y int) error {
	var tables []byte
	if n := d.len(tagJPEGTables); n > 0 {
		tables = d.entries[tagJPEGTables].values
	}
	file, err := l.completeJPEG(tables, stored)
	if err != nil {
		return err
	}
	header, err := jpeg.ParseHeader(file)
	if err != nil {
		return jpegError(err)
	}
	width, rows := min(l.blocks.width, l.width-x), min(l.blocks.height, l.height-y)
	if header.Components != l.samples || header.Width < width || header.Height < rows || header.Width > l.blocks.width || header.Height > l.blocks.height {
		return fmt.Errorf("a JPEG of %d x %d pixels and %d components is in the place of one of %d x %d and %d", header.Width, header.Height, header.Components, l.blocks.width, l.blocks.height, l.samples)
	}
	p, err := jpeg.Decode(file, jpeg.Options{Region: image.Rect(0, 0, width, rows)})
	if err != nil {
		return jpegError(err)
	}
	for j := range rows {
		to := m.Row(y + j)[x*m.Channels:]
		for i := range width {
			c := p.Pix[3*(j*width+i):][:3]
			for s := range l.samples {
				to[i*l.samples+s] = c[s]
				if l.photometric == whiteIsZero {
					to[i*l.samples+s] = 255 - c[s]
				}
			}
		}
	}
	return nil
}

// completeJPEG joins the tables of all strips and one of these into a file, with a segment
// that says whether its colours are RGB.
func (l *layout) completeJPEG(tables, stored []byte) ([]byte, error) {
	const start, end = "\xff\xd8", "\xff\xd9"
	body, ok := bytes.CutPrefix(stored, []byte(start))
	if !ok {
		return nil, errors.New("a JPEG within it begins wrongly")
	}
	tables = bytes.TrimSuffix(bytes.TrimPrefix(tables, []byte(start)), []byte(end))
	file := []byte(start)
	if l.samples == 3 {
		transform := uint8(1)
		if l.photometric == rgb {
			transform = 0
		}
		file = append(file, "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"...)
		file = append(file, transform)
	}
	return append(append(file, tables...), body...), nil
}

// jpegError marks what is not decoded.
func jpegError(err error) error {
	if unsupported := (*jpeg.UnsupportedError)(nil); errors.As(err, &unsupported) {
		return raster.Unsupported("%v within a TIFF", err)
	}
	return err
}
