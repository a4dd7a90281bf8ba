package vision

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// A flatJPEG is a baseline JPEG whose components have one value each, in every
// colour type and sampling; image/jpeg writes only two of them.
type flatJPEG struct {
	width, height int
	// sampling is the first and the fourth component's, 0xHV; the others' is 0x11.
	sampling uint8
	// adobe is the transform of an Adobe segment (0 as stored, 1 YCbCr, 2 YCCK), or -1
	// for a file without one.
	adobe     int
	precision uint8
	values    []uint8
}

func (f flatJPEG) encode() []byte {
	segment := func(out []byte, marker uint8, body ...uint8) []byte {
		out = binary.BigEndian.AppendUint16(append(out, 0xFF, marker), uint16(len(body)+2))
		return append(out, body...)
	}
	out := []byte{0xFF, 0xD8}
	if f.adobe >= 0 {
		out = segment(out, 0xEE, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, uint8(f.adobe))
	}
	out = segment(out, 0xDB, append([]uint8{0}, bytes.Repeat([]uint8{1}, 64)...)...)
	// DC categories 0 to 11 have codes of four bits, AC's only symbol, end of block, one of one bit.
	out = segment(out, 0xC4, 0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	out = segment(out, 0xC4, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	n := uint8(len(f.values))
	frame := []uint8{f.precision, uint8(f.height >> 8), uint8(f.height), uint8(f.width >> 8), uint8(f.width), n}
	scan := []uint8{n}
	sampling := func(i int) int {
		if i == 0 || i == 3 {
			return int(f.sampling)
		}
		return 0x11
	}
	for i := range f.values {
		frame = append(frame, uint8(i+1), uint8(sampling(i)), 0)
		scan = append(scan, uint8(i+1), 0x00)
	}
	out = segment(out, 0xC0, frame...)
	out = segment(out, 0xDA, append(scan, 0, 63, 0)...)

	var bits []bool
	put := func(value, count int) {
		for i := count - 1; i >= 0; i-- {
			bits = append(bits, value>>i&1 == 1)
		}
	}
	h, v := int(f.sampling>>4), int(f.sampling&15)
	units := (f.width + 8*h - 1) / (8 * h) * ((f.height + 8*v - 1) / (8 * v))
	for unit := range units {
		for i, value := range f.values {
			for block := range (sampling(i) >> 4) * (sampling(i) & 15) {
				dc := 0 // the difference to the block before
				if unit == 0 && block == 0 {
					dc = (int(value) - 128) * 8
				}
				category, size := 0, max(dc, -dc)
				for size>>category > 0 {
					category++
				}
				put(category, 4)
				if dc < 0 {
					dc += 1<<category - 1
				}
				put(dc, category)
				put(0, 1) // end of block
			}
		}
	}
	for len(bits)%8 != 0 {
		bits = append(bits, true)
	}
	for i := 0; i < len(bits); i += 8 {
		b := uint8(0)
		for _, bit := range bits[i : i+8] {
			b <<= 1
			if bit {
				b |= 1
			}
		}
		if out = append(out, b); b == 0xFF {
			out = append(out, 0)
		}
	}
	return append(out, 0xFF, 0xD9)
}

// TestJPEGColours has every colour type that JPEG files have, with the RGB of it
// computed by hand. Adobe stores inks inverted: 255 is none. Y 81, Cb 90, Cr 240 is
// the red 238, 14, 14; in YCCK it is the inks that are so transformed, and the RGB is
// its complement.
func TestJPEGColours(t *testing.T) {
	for name, c := range map[string]struct {
		file flatJPEG
		want [3]uint8
	}{
		"gray":                {flatJPEG{9, 7, 0x11, -1, 8, []uint8{200}}, [3]uint8{200, 200, 200}},
		"YCbCr 4:4:4":         {flatJPEG{9, 7, 0x11, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"YCbCr 4:2:2":         {flatJPEG{9, 7, 0x21, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"YCbCr 4:2:0":         {flatJPEG{21, 19, 0x22, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"YCbCr 4:4:0":         {flatJPEG{9, 17, 0x12, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"YCbCr 4:1:1":         {flatJPEG{33, 7, 0x41, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"YCbCr by Adobe":      {flatJPEG{9, 7, 0x11, 1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"RGB":                 {flatJPEG{9, 7, 0x11, 0, 8, []uint8{200, 100, 50}}, [3]uint8{200, 100, 50}},
		"CMYK":                {flatJPEG{9, 7, 0x11, 0, 8, []uint8{200, 100, 50, 255}}, [3]uint8{200, 100, 50}},
		"CMYK, black":         {flatJPEG{9, 7, 0x11, 0, 8, []uint8{200, 100, 50, 128}}, [3]uint8{100, 50, 25}},
		"YCCK":                {flatJPEG{9, 7, 0x11, 2, 8, []uint8{81, 90, 240, 255}}, [3]uint8{17, 241, 241}},
		"YCCK, black":         {flatJPEG{9, 7, 0x11, 2, 8, []uint8{81, 90, 240, 128}}, [3]uint8{9, 121, 121}},
		"YCCK, half chroma":   {flatJPEG{21, 19, 0x22, 2, 8, []uint8{81, 90, 240, 128}}, [3]uint8{9, 121, 121}},
		"YCbCr, one pixel":    {flatJPEG{1, 1, 0x22, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"YCbCr, three wide":   {flatJPEG{3, 5, 0x22, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
		"YCbCr, a tall strip": {flatJPEG{1, 40, 0x21, -1, 8, []uint8{81, 90, 240}}, [3]uint8{238, 14, 14}},
	} {
		m, err := Decode(c.file.encode(), DecodeOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Width != c.file.width || m.Height != c.file.height {
			t.Errorf("%s: %d x %d, want %d x %d", name, m.Width, m.Height, c.file.width, c.file.height)
		}
		for i, v := range m.Pix {
			if want := int(c.want[i%3]); int(v) < want-1 || int(v) > want+1 {
				t.Errorf("%s: pixel %d is %v, want %v", name, i/3, m.Pix[i/3*3:][:3], c.want)
				break
			}
		}
	}
}

// TestUnsupportedKinds must not call files damaged that are whole.
func TestUnsupportedKinds(t *testing.T) {
	_, err := Decode(flatJPEG{9, 7, 0x11, -1, 12, []uint8{200}}.encode(), DecodeOptions{})
	wanted.Error(t, err, "JPEG", "not supported", "convert")
}
