package bmp

import (
	"fmt"
	"io"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// decodeRuns decodes run-length encoded pixels. Pixels that the file leaves out on
// purpose, by an end of line, an end of bitmap or a jump, have the palette's first colour.
// Runs that leave their row are clipped, and then the end of bitmap is no purpose.
func (h *header) decodeRuns() (*raster.Image, error) {
	m := raster.New(h.width, h.height, 3)
	first := h.colour(0)
	if h.encoding != runs24 && first != [3]uint8{} {
		for i := 0; i < len(m.Pix); i += 3 {
			copy(m.Pix[i:], first[:])
		}
	}
	x, y := 0, 0 // y counts stored rows
	clipped := false
	set := func(c [3]uint8) {
		if x == h.width {
			clipped = true
			return
		}
		copy(m.Row(h.place(y))[3*x:], c[:])
		x++
	}
	// unit returns the number of bytes that hold the colours of a run, and what sets n of
	// these from them.
	unit := func(n int) int {
		switch h.encoding {
		case runs4:
			return (n + 1) / 2
		case runs8:
			return n
		}
		return 3 * n
	}
	colourAt := func(data []byte, i int) [3]uint8 {
		switch h.encoding {
		case runs4:
			return h.colour(data[i/2] >> (4 - 4*(i%2)) & 15)
		case runs8:
			return h.colour(data[i])
		}
		return [3]uint8{data[3*i+2], data[3*i+1], data[3*i]}
	}

	data := h.pixels
	// next takes bytes from the data; false where they end.
	next := func(n int) (taken []byte, ok bool) {
		if n > len(data) {
			return nil, false
		}
		taken, data = data[:n], data[n:]
		return taken, true
	}
	for y < h.height {
		if y == h.height-1 && x == h.width {
			return m, nil // what marks the end may be missing
		}
		code, ok := next(2)
		if !ok {
			break
		}
		count := int(code[0])
		if count > 0 {
			colours := code[1:]
			if h.encoding == runs24 {
				more, ok := next(2)
				if !ok {
					break
				}
				colours = []byte{code[1], more[0], more[1]}
			}
			for i := range count {
				if h.encoding == runs4 {
					i %= 2
				} else {
					i = 0
				}
				set(colourAt(colours, i))
			}
			continue
		}
		switch code[1] {
		case 0: // end of line
			x, y = 0, y+1
		case 1: // end of bitmap
			if clipped {
				return m, h.endsEarly(y)
			}
			return m, nil
		case 2: // jump
			by, ok := next(2)
			if !ok {
				return m, h.endsEarly(y)
			}
			x, y = min(x+int(by[0]), h.width), y+int(by[1])
		default: // that many colours, padded to an even number of bytes
			n := int(code[1])
			colours, ok := next(unit(n))
			if !ok {
				return m, h.endsEarly(y)
			}
			for i := range n {
				set(colourAt(colours, i))
			}
			if unit(n)%2 == 1 {
				_, _ = next(1)
			}
		}
	}
	if y < h.height {
		return m, h.endsEarly(y)
	}
	return m, nil
}

func (h *header) endsEarly(row int) error {
	return fmt.Errorf("the runs end in row %d of %d: %w", row+1, h.height, io.ErrUnexpectedEOF)
}
