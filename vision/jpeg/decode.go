package jpeg

import (
	"fmt"
	"image"
)

// Options adjusts decoding. The zero value decodes the whole picture at full size.
type Options struct {
	// Denominator is 1, 2, 4 or 8 (1 when zero): the picture is decoded at that part of its
	// size, rounded up. Each pixel is the mean of those that it stands for, but for chroma
	// that has to be interpolated.
	Denominator int
	// Region is the part of the picture, at that size, that is wanted; all of it when empty.
	Region image.Rectangle
	// AllowTruncated decodes what is there of a picture of which a part is missing, and
	// leaves the rest grey, as libjpeg does; but what scans have left coarse of a progressive
	// one is not smoothed.
	AllowTruncated bool
}

// A Picture holds rows of pixels from the top without gaps, three bytes each in the order
// R, G, B.
type Picture struct {
	Width, Height int
	Pix           []uint8
}

// Decode decodes a file. Errors are an *[UnsupportedError] or a *[DamagedError]. Before it
// takes memory for a picture, it compares the size in the header with that of the file.
func Decode(data []byte, o Options) (*Picture, error) {
	if o.Denominator == 0 {
		o.Denominator = 1
	}
	if d := o.Denominator; d != 1 && d != 2 && d != 4 && d != 8 {
		return nil, fmt.Errorf("a JPEG is to be decoded at 1/%d of its size, expected 1, 2, 4 or 8", d)
	}
	d := &decoder{parser: parser{data: data}, tolerant: o.AllowTruncated}
	first, err := d.next()
	if err != nil {
		return nil, err
	}
	if first == nil {
		return nil, d.damaged("the picture's data are missing")
	}
	// A block takes a bit at least, but for arithmetic coding.
	if least := d.frame.blocks() / 8; len(data)-first.at < least && !d.frame.arithmetic && !o.AllowTruncated {
		return nil, d.damaged("the header says %d x %d pixels, for which the file is too short", d.frame.width, d.frame.height)
	}
	if d.segment = &d.reader; d.frame.arithmetic {
		d.segment = &d.arithmetic
	}
	out, err := newOutput(d.frame, d.colours(), o)
	if err != nil {
		return nil, err
	}
	if d.frame.buffered(first) {
		err = d.decodeBuffered(first, out)
	} else {
		err = d.decodeDirectly(first, out)
	}
	if err != nil {
		return nil, err
	}
	return out.picture, nil
}

// A decoder reads the scans of one file.
type decoder struct {
	parser
	reader     bitReader
	arithmetic arithmeticReader
	segment    segmentReader // one of them
	tolerant   bool
	surplus    bool // more than padding stood behind the last scan's coefficients
}

// colours says what the components are, as libjpeg guesses it.
func (d *decoder) colours() colours {
	c := d.frame.components
	switch {
	case len(c) == 1:
		return grey
	case len(c) == 4 && d.adobe > 0:
		return ycck
	case len(c) == 4:
		return cmyk
	case d.jfif || d.adobe > 0:
		return yCbCr
	case d.adobe == 0 || c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B':
		return rgb
	}
	return yCbCr
}

// tables returns the Huffman tables of a scan.
func (d *decoder) tables(s *scan) (dc, ac [4]*table, err error) {
	needDC := s.start == 0 && s.high == 0
	needAC := s.end > 0
	if d.frame.arithmetic {
		return dc, ac, nil // which needs none
	}
	for i := range s.components {
		dc[i], ac[i] = d.dc[s.dc[i]].read(), d.ac[s.ac[i]].read()
		if needDC && dc[i] == nil || needAC && ac[i] == nil {
			return dc, ac, d.damaged("a Huffman table of a scan is missing")
		}
	}
	return dc, ac, nil
}

// intervals reads the units of a scan, the segments between restart markers one by one.
// begin is called before each, and unit for each unit, which is not ok where its data are
// no code. done is called behind every row of units.
func (d *decoder) intervals(s *scan, across, down, blocks int, begin func(), unit func(x, y int) (ok bool), done func(y int)) error {
	at, count, restart := s.at, 0, 0
	d.segment.start(d.data, at, blocks)
	begin()
	lost := false // the rest of the interval
	for y := range down {
		for x := range across {
			if d.interval > 0 && count == d.interval {
				end, surplus := d.segment.finish()
				if surplus && !lost && !d.tolerant {
					d.at = end
					return d.damaged("data are left before restart marker %d, so that some before it are damaged", restart)
				}
				next, ok := d.restart(end, restart)
				if !ok && !d.tolerant {
					d.at = end
					return d.damaged("restart marker %d is missing: the picture's data are damaged, or end in row %d of %d", restart, y*d.rowHeight(s), d.frame.height)
				}
				lost = !ok
				if ok {
					d.segment.start(d.data, next, blocks)
				}
				begin()
				count, restart = 0, (restart+1)&7
			}
			count++
			if lost {
				continue
			}
			ok := unit(x, y)
			if !d.segment.whole() {
				if !d.tolerant {
					d.at, _ = d.segment.finish()
					return d.damaged("the picture's data end in row %d of %d", y*d.rowHeight(s), d.frame.height)
				}
				lost = true
			} else if !ok {
				if !d.tolerant {
					d.at, _ = d.segment.finish()
					return d.damaged("the picture's data are damaged in row %d of %d", y*d.rowHeight(s), d.frame.height)
				}
				lost = true
			}
		}
		done(y)
	}
	d.at, d.surplus = d.segment.finish()
	return nil
}

// rowHeight is how many rows of pixels a row of a scan's units is.
func (d *decoder) rowHeight(s *scan) int {
	if len(s.components) == 1 {
		return 8 * d.frame.maxV / s.components[0].v
	}
	return 8 * d.frame.maxV
}

// restart expects a restart marker of a number at a place of the data, and returns the
// place behind it.
func (d *decoder) restart(at, number int) (next int, ok bool) {
	for at+1 < len(d.data) && d.data[at] == 0xFF && d.data[at+1] == 0xFF {
		at++
	}
	if at+1 >= len(d.data) || d.data[at] != 0xFF || d.data[at+1] != uint8(markerRST+number) {
		return at, false
	}
	return at + 2, true
}

// decodeDirectly decodes a picture whose only scan has all coefficients, row by row.
func (d *decoder) decodeDirectly(s *scan, out *output) error {
	dcTables, acTables, err := d.tables(s)
	if err != nil {
		return err
	}
	f := d.frame
	var dc [4]int32
	rows := make([][]int16, len(f.components)) // of a row of units
	blocks := 0
	for i := range f.components {
		c := &f.components[i]
		rows[i] = make([]int16, (c.blocksX*c.v+1)*64)
		blocks += c.h * c.v
	}
	// The blocks of a unit, in their order: each one's component, and its place in rows.
	type place struct{ of, component, offset, step int }
	var places []place
	for i, c := range s.components {
		for k := range f.components {
			if c != &f.components[k] {
				continue
			}
			for v := range c.v {
				for h := range c.h {
					places = append(places, place{i, k, (v*c.blocksX + h) * 64, c.h * 64})
				}
			}
		}
	}
	unit := func(x, _ int) bool {
		for i := range places {
			p := &places[i]
			block := (*[64]int16)(rows[p.component][p.offset+x*p.step:])
			if f.arithmetic {
				if !d.arithmetic.decodeBlock(block, &dc[p.of], p.of, s.dc[p.of], s.ac[p.of], &d.conditionings) {
					return false
				}
				continue
			}
			if !d.reader.decodeBlock(block, &dc[p.of], dcTables[p.of], acTables[p.of]) {
				return false
			}
		}
		return true
	}
	return d.intervals(s, f.unitsX, f.unitsY, blocks, func() { dc = [4]int32{} }, unit, func(y int) {
		out.units(y, rows)
		for i := range rows {
			clear(rows[i])
		}
	})
}

// maxScans is more than encoders write, so that a small file does not take minutes.
const maxScans = 500

// decodeBuffered decodes a picture whose coefficients come in several scans.
func (d *decoder) decodeBuffered(s *scan, out *output) error {
	f := d.frame
	for i := range f.components {
		c := &f.components[i]
		// A block more, for a kernel that takes two at a time.
		c.coefficients = make([]int16, (c.blocksX*c.blocksY+1)*64)
	}
	for scans := 1; s != nil; scans++ {
		if scans > maxScans {
			return d.damaged("the picture has more than %d scans", maxScans)
		}
		if d.surplus && !d.tolerant {
			return d.damaged("data are left before a scan, so that some before it are damaged")
		}
		err := d.bufferedScan(s)
		if err == nil {
			s, err = d.next()
		}
		if err != nil && !d.tolerant {
			return err
		} else if err != nil {
			break
		}
	}
	for i := range f.components {
		c := &f.components[i]
		complete := c.seen
		if f.progressive && !d.ended {
			// Without an end, only what has all bits is known to be all.
			for _, low := range c.known {
				complete = complete && low == 0
			}
		}
		complete = complete && (!f.progressive || c.known[0] >= 0)
		if !complete && !d.tolerant {
			return d.damaged("the file ends before the last scan of the picture's data")
		}
		if c.quant == nil {
			c.quant = new([64]uint16) // of which nothing came
		}
	}
	rows := make([][]int16, len(f.components))
	for y := range f.unitsY {
		for i := range f.components {
			c := &f.components[i]
			rows[i] = c.coefficients[y*c.v*c.blocksX*64:][:(c.v*c.blocksX+1)*64]
		}
		out.units(y, rows)
	}
	return nil
}

// bufferedScan reads one of several scans.
func (d *decoder) bufferedScan(s *scan) error {
	f := d.frame
	if err := d.check(s); err != nil {
		return err
	}
	dcTables, acTables, err := d.tables(s)
	if err != nil {
		return err
	}
	var dc [4]int32
	eobRun := 0
	low := uint(s.low)
	block := func(i, at int) bool {
		c := (*[64]int16)(s.components[i].coefficients[at*64:])
		if f.arithmetic {
			return d.arithmeticBlock(s, i, c, &dc[i])
		}
		switch {
		case !f.progressive:
			return d.reader.decodeBlock(c, &dc[i], dcTables[i], acTables[i])
		case s.start == 0 && s.high == 0:
			return d.reader.firstDC(c, &dc[i], dcTables[i], low)
		case s.start == 0:
			d.reader.refineDC(c, low)
			return true
		case s.high == 0:
			return d.reader.firstAC(c, acTables[i], s.start, s.end, low, &eobRun)
		}
		return d.reader.refineAC(c, acTables[i], s.start, s.end, low, &eobRun)
	}
	begin := func() { dc, eobRun = [4]int32{}, 0 }
	done := func(int) {}
	if len(s.components) == 1 {
		c := s.components[0]
		return d.intervals(s, c.ownX, c.ownY, 1, begin, func(x, y int) bool { return block(0, y*c.blocksX+x) }, done)
	}
	blocks := 0
	for _, c := range s.components {
		blocks += c.h * c.v
	}
	return d.intervals(s, f.unitsX, f.unitsY, blocks, begin, func(x, y int) bool {
		for i, c := range s.components {
			for v := range c.v {
				for h := range c.h {
					if !block(i, (y*c.v+v)*c.blocksX+x*c.h+h) {
						return false
					}
				}
			}
		}
		return true
	}, done)
}

// arithmeticBlock reads what a scan has of a block of its component i.
func (d *decoder) arithmeticBlock(s *scan, i int, block *[64]int16, dc *int32) (ok bool) {
	r, low, ac := &d.arithmetic, uint(s.low), s.ac[i]
	switch {
	case !d.frame.progressive:
		return r.decodeBlock(block, dc, i, s.dc[i], ac, &d.conditionings)
	case s.start == 0 && s.high == 0:
		v, ok := r.difference(i, s.dc[i], d.conditionings[0][s.dc[i]])
		*dc += v
		block[0] = int16(*dc << low)
		return ok
	case s.start == 0:
		if r.decide(&r.half) {
			block[0] |= 1 << low
		}
		return true
	case s.high == 0:
		return r.coefficients(block, ac, d.conditionings[1][ac], s.start, s.end, low)
	}
	return r.refine(block, ac, s.start, s.end, low)
}

// check expects a scan to bring what has not been read, in the order of T.81, G.1.1.
func (d *decoder) check(s *scan) error {
	if !d.frame.progressive {
		for _, c := range s.components {
			if c.seen {
				return d.damaged("component %d comes twice", c.id)
			}
			c.seen = true
		}
		return nil
	}
	if s.start > s.end || s.end > 63 || s.start == 0 && s.end != 0 || s.start > 0 && len(s.components) > 1 ||
		s.low > 13 || s.high > 0 && s.low != s.high-1 {
		return d.damaged("a scan is of coefficients %d to %d of %d components, from bit %d to %d", s.start, s.end, len(s.components), s.high, s.low)
	}
	for _, c := range s.components {
		if s.start > 0 && !c.seen {
			return d.damaged("component %d has no first coefficients when its others come", c.id)
		}
		c.seen = true
		for k := s.start; k <= s.end; k++ {
			before := int8(-1)
			if s.high > 0 {
				before = int8(s.high)
			}
			if c.known[k] != before {
				return d.damaged("a scan begins at bit %d of coefficient %d, which does not follow those before", s.high, k)
			}
			c.known[k] = int8(s.low)
		}
	}
	return nil
}
