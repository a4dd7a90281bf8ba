package jpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Markers (T.81, table B.1).
const (
	markerSOI = 0xD8
	markerEOI = 0xD9
	markerSOS = 0xDA
	markerDQT = 0xDB
	markerDNL = 0xDC
	markerDRI = 0xDD
	markerDHP = 0xDE
	markerDHT = 0xC4
	markerDAC = 0xCC
	markerRST = 0xD0 // to 0xD7
	markerAPP = 0xE0 // to 0xEF
)

// An UnsupportedError names what is not decoded.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "a JPEG with " + e.What }

// A DamagedError says what is wrong with a file, or missing.
type DamagedError struct {
	What   string
	Offset int // in the file, in bytes
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s, at byte %d", e.What, e.Offset)
}

// A Header is what a file says of its picture.
type Header struct {
	// Width and Height are in pixels, as stored.
	Width, Height int
	// Components is 1 for grey, 3 for colour, 4 for CMYK.
	Components int

	// blocks is the number of 8 x 8 blocks of coefficients.
	blocks int
	// buffered tells that the coefficients come in several scans.
	buffered bool
}

// Memory is how many bytes decoding takes at a denominator of 1, 2, 4 or 8, the result
// included and the file not.
func (h Header) Memory(denominator int) int64 {
	total := 3 * int64(reduced(h.Width, denominator)) * int64(reduced(h.Height, denominator))
	if h.buffered {
		total += int64(h.blocks) * 64 * 2
	}
	rows := int64(h.Width+64) * int64(h.Components) * 2 * 32 * 2 // samples and coefficients of a row of blocks
	return total + rows
}

// ParseHeader reads a file up to its first scan, or its end.
func ParseHeader(data []byte) (Header, error) {
	p := parser{data: data}
	s, err := p.next()
	if err != nil {
		return Header{}, err
	}
	f := p.frame
	return Header{
		Width: f.width, Height: f.height, Components: len(f.components),
		blocks: f.blocks(), buffered: s != nil && f.buffered(s),
	}, nil
}

// A component is one of the planes of a picture.
type component struct {
	id       uint8
	h, v     int // sampling factors
	selector uint8
	// blocksX and blocksY are its blocks in whole units, ownX and ownY those in a scan of
	// it alone.
	blocksX, blocksY, ownX, ownY int

	quant        *[64]uint16 // in natural order; of its first scan
	coefficients []int16     // [blocksY][blocksX][64], where they are buffered
	// known is, for each coefficient in zigzag order, the lowest bit that has been read; -1
	// before its first scan.
	known [64]int8
	seen  bool // in a scan
}

// A frame is a picture's header (SOF).
type frame struct {
	width, height int
	progressive   bool
	arithmetic    bool
	components    []component
	maxH, maxV    int
	unitsX        int // minimum coded units, each of all components
	unitsY        int
}

func (f *frame) blocks() int {
	n := 0
	for i := range f.components {
		n += f.components[i].blocksX * f.components[i].blocksY
	}
	return n
}

// buffered tells whether coefficients have to be kept until the last scan.
func (f *frame) buffered(first *scan) bool {
	return f.progressive || len(first.components) < len(f.components)
}

// A scan is a header of entropy-coded data (SOS).
type scan struct {
	components []*component
	dc, ac     [4]uint8 // tables
	start, end int      // of the coefficients, in zigzag order
	high, low  int      // the bits before, and from here
	at         int      // where the data begin
}

// A parser reads marker segments.
type parser struct {
	data  []byte
	at    int
	frame *frame

	quant  [4]*[64]uint16
	dc, ac [4]*code
	// conditionings are those of first coefficients, and of the others.
	conditionings [2][4]conditioning
	interval      int // of restart markers, in units; 0 for none
	adobe         int // the transform of Adobe's segment, or -1
	jfif          bool

	ended bool // by a marker
}

func (p *parser) damaged(format string, args ...any) error {
	return &DamagedError{fmt.Sprintf(format, args...), min(p.at, len(p.data))}
}

// next reads up to the next scan, and returns nil at the end of the picture.
func (p *parser) next() (*scan, error) {
	if p.at == 0 {
		if len(p.data) < 3 || p.data[0] != 0xFF || p.data[1] != markerSOI || p.data[2] != 0xFF {
			return nil, p.damaged("expected the beginning of a JPEG file")
		}
		p.at, p.adobe = 2, -1
		for i := range 4 {
			p.conditionings[0][i], p.conditionings[1][i] = conditioning{l: 0, u: 1}, conditioning{k: 5}
		}
	}
	for {
		// What stands between segments is skipped, as other decoders do.
		i := bytes.IndexByte(p.data[min(p.at, len(p.data)):], 0xFF)
		if i < 0 || p.at+i+1 >= len(p.data) {
			p.at = len(p.data)
			if p.frame == nil {
				return nil, p.damaged("the file ends before the picture's size")
			}
			return nil, nil
		}
		p.at += i + 1
		marker := p.data[p.at]
		if marker == 0xFF {
			continue
		}
		p.at++
		switch {
		case marker == 0 || marker == 1 || marker == markerSOI || marker >= markerRST && marker < markerRST+8:
			continue // without a segment
		case marker == markerEOI:
			p.ended = true
			if p.frame == nil {
				return nil, p.damaged("the file ends before the picture's size")
			}
			return nil, nil
		}
		body, err := p.segment()
		if err != nil {
			if p.frame != nil {
				return nil, nil // after which scans are missing, unless all is there
			}
			return nil, err
		}
		switch {
		case marker == markerSOS:
			return p.scan(body)
		case marker == markerDQT:
			err = p.quantisation(body)
		case marker == markerDHT:
			err = p.huffman(body)
		case marker == markerDAC:
			err = p.conditioning(body)
		case marker == markerDRI && len(body) >= 2:
			p.interval = int(binary.BigEndian.Uint16(body))
		case marker == markerDNL:
			err = &UnsupportedError{"a number of lines that stands behind the picture (DNL)"}
		case marker == markerDHP:
			err = &UnsupportedError{"hierarchical coding"}
		case marker >= 0xC0 && marker <= 0xCF && marker != markerDAC && marker != 0xC8:
			err = p.sof(marker, body)
		case marker == markerAPP && bytes.HasPrefix(body, []byte("JFIF\x00")):
			p.jfif = true
		case marker == markerAPP+14 && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")):
			p.adobe = int(body[11])
		}
		if err != nil {
			return nil, err
		}
		p.at += 2 + len(body)
	}
}

// segment returns the body of the segment whose length comes next.
func (p *parser) segment() ([]byte, error) {
	rest := p.data[p.at:]
	if len(rest) < 2 {
		return nil, p.damaged("the file ends in a segment")
	}
	length := int(binary.BigEndian.Uint16(rest))
	if length < 2 {
		return nil, p.damaged("a segment has a length of %d", length)
	}
	if length > len(rest) {
		return nil, p.damaged("the file ends in a segment of %d bytes", length)
	}
	return rest[2:length], nil
}

// kinds are the ways to code (T.81, table B.1) that are not decoded.
var kinds = map[uint8]string{
	0xC3: "lossless coding", 0xC5: "hierarchical coding", 0xC6: "hierarchical coding", 0xC7: "hierarchical coding",
	0xCB: "lossless arithmetic coding",
	0xCD: "hierarchical arithmetic coding", 0xCE: "hierarchical arithmetic coding", 0xCF: "hierarchical arithmetic coding",
}

func (p *parser) sof(marker uint8, body []byte) error {
	if what, ok := kinds[marker]; ok {
		return &UnsupportedError{what}
	}
	if p.frame != nil {
		return p.damaged("the file has two pictures in one")
	}
	if len(body) < 6 || len(body) < 6+3*int(body[5]) {
		return p.damaged("the picture's header has %d bytes, too few", len(body))
	}
	if body[0] != 8 {
		return &UnsupportedError{fmt.Sprintf("%d bits a sample", body[0])}
	}
	f := &frame{
		height: int(binary.BigEndian.Uint16(body[1:])), width: int(binary.BigEndian.Uint16(body[3:])),
		progressive: marker == 0xC2 || marker == 0xCA, arithmetic: marker >= 0xC9,
	}
	if f.height == 0 && f.width > 0 {
		return &UnsupportedError{"a number of lines that stands behind the picture (DNL)"}
	}
	if f.width == 0 {
		return p.damaged("the header says %d x %d pixels, expected at least one", f.width, f.height)
	}
	n := int(body[5])
	if n != 1 && n != 3 && n != 4 {
		return &UnsupportedError{fmt.Sprintf("%d components", n)}
	}
	f.components = make([]component, n)
	for i := range f.components {
		c := &f.components[i]
		spec := body[6+3*i:]
		c.id, c.h, c.v, c.selector = spec[0], int(spec[1]>>4), int(spec[1]&15), spec[2]
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.selector > 3 {
			return p.damaged("component %d has a sampling of %d x %d and quantisation table %d", i, c.h, c.v, c.selector)
		}
		for j := range i {
			if f.components[j].id == c.id {
				return p.damaged("two components are called %d", c.id)
			}
		}
		for k := range c.known {
			c.known[k] = -1
		}
		f.maxH, f.maxV = max(f.maxH, c.h), max(f.maxV, c.v)
	}
	if n == 1 { // whose units are single blocks, whatever the sampling says
		f.components[0].h, f.components[0].v, f.maxH, f.maxV = 1, 1, 1, 1
	}
	f.unitsX, f.unitsY = ceil(f.width, 8*f.maxH), ceil(f.height, 8*f.maxV)
	for i := range f.components {
		c := &f.components[i]
		c.blocksX, c.blocksY = f.unitsX*c.h, f.unitsY*c.v
		c.ownX, c.ownY = ceil(f.width*c.h, 8*f.maxH), ceil(f.height*c.v, 8*f.maxV)
	}
	p.frame = f
	return nil
}

func (p *parser) quantisation(body []byte) error {
	for len(body) > 0 {
		wide, id := body[0]>>4, body[0]&15
		size := 64
		if wide == 1 {
			size = 128
		}
		if wide > 1 || id > 3 || len(body) < 1+size {
			return p.damaged("a quantisation table is damaged")
		}
		t := new([64]uint16)
		for i, natural := range zigzag[:64] {
			if wide == 1 {
				t[natural] = binary.BigEndian.Uint16(body[1+2*i:])
			} else {
				t[natural] = uint16(body[1+i])
			}
		}
		p.quant[id] = t
		body = body[1+size:]
	}
	return nil
}

func (p *parser) huffman(body []byte) error {
	for len(body) > 0 {
		if len(body) < 1+maxCode || body[0]>>4 > 1 || body[0]&15 > 3 {
			return p.damaged("a Huffman table is damaged")
		}
		counts := (*[maxCode]uint8)(body[1:])
		n := 0
		for _, count := range counts {
			n += int(count)
		}
		if n > 256 || len(body) < 1+maxCode+n {
			return p.damaged("a Huffman table has %d values", n)
		}
		values := body[1+maxCode:][:n]
		c, err := newCode(counts, values)
		if err != nil {
			return p.damaged("%v", err)
		}
		if class := body[0] >> 4; class == 0 {
			for _, v := range values {
				if v > 15 {
					return p.damaged("a Huffman table has a first coefficient of %d bits", v)
				}
			}
			p.dc[body[0]&15] = c
		} else {
			p.ac[body[0]&15] = c
		}
		body = body[1+maxCode+n:]
	}
	return nil
}

func (p *parser) conditioning(body []byte) error {
	for ; len(body) >= 2; body = body[2:] {
		class, id, value := body[0]>>4, body[0]&15, body[1]
		c := conditioning{l: value & 15, u: value >> 4, k: value}
		if class > 1 || id > 3 || class == 0 && c.l > c.u || class == 1 && (c.k < 1 || c.k > 63) {
			return p.damaged("the conditioning of arithmetic coding is damaged")
		}
		p.conditionings[class][id] = c
	}
	return nil
}

func (p *parser) scan(body []byte) (*scan, error) {
	f := p.frame
	if f == nil {
		return nil, p.damaged("the data begin before the picture's size")
	}
	if len(body) < 1 || len(body) < 4+2*int(body[0]) {
		return nil, p.damaged("a scan's header has %d bytes, too few", len(body))
	}
	n := int(body[0])
	if n < 1 || n > len(f.components) {
		return nil, p.damaged("a scan has %d components, the picture %d", n, len(f.components))
	}
	s := &scan{at: p.at + 2 + len(body)}
	blocks := 0
	for i := range n {
		id, tables := body[1+2*i], body[2+2*i]
		var c *component
		for j := range f.components {
			if f.components[j].id == id {
				c = &f.components[j]
			}
		}
		if c == nil {
			return nil, p.damaged("a scan is of component %d, which the picture has not", id)
		}
		for _, other := range s.components {
			if other == c {
				return nil, p.damaged("a scan has component %d twice", id)
			}
		}
		s.components = append(s.components, c)
		s.dc[i], s.ac[i] = tables>>4, tables&15
		if s.dc[i] > 3 || s.ac[i] > 3 {
			return nil, p.damaged("a scan has Huffman tables %d and %d, expected up to 3", s.dc[i], s.ac[i])
		}
		blocks += c.h * c.v
		if c.quant == nil {
			if c.quant = p.quant[c.selector]; c.quant == nil {
				return nil, p.damaged("quantisation table %d is missing", c.selector)
			}
		}
	}
	if n > 1 && blocks > 10 {
		return nil, &UnsupportedError{fmt.Sprintf("%d blocks in a unit; the standard allows 10", blocks)}
	}
	rest := body[1+2*n:]
	s.start, s.end, s.high, s.low = int(rest[0]), int(rest[1]), int(rest[2]>>4), int(rest[2]&15)
	if !f.progressive {
		s.start, s.end, s.high, s.low = 0, 63, 0, 0
	}
	p.at = s.at
	return s, nil
}

// zigzag is the natural place of each coefficient, and, for runs that reach beyond the last
// one, that of the last.
var zigzag = [64 + 16]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
}

func ceil(n, by int) int { return (n + by - 1) / by }

// reduced is a side at a denominator.
func reduced(side, denominator int) int { return ceil(side, denominator) }
