package vision

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"runtime"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// A picture of testdata/pictures.json.gz, which testdata/pictures.py wrote.
type picture struct {
	Name          string
	File          []byte
	Width, Height int
	White, Drop   []byte // R, G, B; Drop where it differs
	Lossy         bool
	Refused       []string
}

func pictures(t testing.TB) []picture {
	t.Helper()
	f, err := os.Open("testdata/pictures.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Pictures []picture }
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all.Pictures
}

// TestPictures compares what is read of every kind of picture with Pillow.
func TestPictures(t *testing.T) {
	for _, p := range pictures(t) {
		if p.Refused != nil {
			_, err := Decode(p.File, DecodeOptions{})
			wanted.ErrorOf(t, p.Name, err, p.Refused...)
			continue
		}
		drop := p.Drop
		if drop == nil {
			drop = p.White
		}
		for alpha, want := range map[Alpha][]byte{0: p.White, AlphaWhite: p.White, AlphaDrop: drop} {
			m, err := Decode(p.File, DecodeOptions{Alpha: alpha})
			if err != nil {
				t.Errorf("%s: %v", p.Name, err)
				break
			}
			if m.Width != p.Width || m.Height != p.Height {
				t.Errorf("%s: %d x %d, want %d x %d", p.Name, m.Width, m.Height, p.Width, p.Height)
				break
			}
			// Decoders of lossy formats may round differently, and so may the division by alpha.
			tolerance := 1
			if p.Lossy {
				tolerance = 3
			}
			if at, ok := differ(m.Pix, want, tolerance); !ok {
				t.Errorf("%s, alpha %q: byte %d of %d is %d, want %d", p.Name, alpha, at, len(want), m.Pix[at], want[at])
			}
		}
	}
}

// differ returns the first of the bytes that differ by more than a tolerance.
func differ(got, want []byte, tolerance int) (at int, same bool) {
	if bytes.Equal(got, want) {
		return 0, true
	}
	for i, v := range got {
		if d := int(v) - int(want[i]); d < -tolerance || d > tolerance {
			return i, false
		}
	}
	return 0, true
}

// TestAllowTruncated cuts pictures within their pixels, and expects those that are there,
// and one colour for the last row.
func TestAllowTruncated(t *testing.T) {
	all := map[string]picture{}
	for _, p := range pictures(t) {
		all[p.Name] = p
	}
	for name, c := range map[string]struct {
		cut, right int // bytes that are cut off, and stored rows that are right then
		bottomUp   bool
		rest       []uint8
	}{
		"bmp 24 bits":                {120, 6, true, []uint8{0, 0, 0}},
		"bmp 24 bits, top-down":      {120, 6, false, []uint8{0, 0, 0}},
		"bmp RLE8, no end of bitmap": {40, 6, true, nil},
		"png, stored":                {160, 5, false, []uint8{0, 0, 0}},
		"png rgb and alpha 8":        {100, 7, false, []uint8{255, 255, 255}},
		"gif, transparent":           {40, 4, false, nil},
	} {
		p := all[name]
		cut := p.File[:len(p.File)-c.cut]
		_, err := Decode(cut, DecodeOptions{})
		wanted.ErrorOf(t, name, err, "damaged or ends too early")
		m, err := Decode(cut, DecodeOptions{AllowTruncated: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		place := func(stored int) int {
			if c.bottomUp {
				return m.Height - 1 - stored
			}
			return stored
		}
		for i := range c.right {
			if !bytes.Equal(m.row(place(i)), p.White[3*p.Width*place(i):][:3*p.Width]) {
				t.Errorf("%s: stored row %d is not right", name, i)
			}
		}
		last := m.row(place(m.Height - 1))
		rest := c.rest
		if rest == nil { // a colour of the palette
			rest = last[:3]
		}
		if !bytes.Equal(last, bytes.Repeat(rest, m.Width)) {
			t.Errorf("%s: the row that is missing is %v, want %v", name, last, rest)
		}
	}
}

// TestHeadersAlone refuses pictures that are larger than the limit by their headers, and
// allocates nothing of their size.
func TestHeadersAlone(t *testing.T) {
	files := map[string][]byte{
		"PNG":  pngHeader(60000, 60000),
		"BMP":  append([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x60\xea\x00\x00\x60\xea\x00\x00\x01\x00\x18\x00"), make([]byte, 24)...),
		"GIF":  []byte("GIF89a\x60\xea\x60\xea\x00\x00\x00,\x00\x00\x00\x00\x60\xea\x60\xea\x00\x08\x00"),
		"WebP": []byte("RIFF\x30\x00\x00\x00WEBPVP8L\x08\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00"),
		"TIFF": []byte("II*\x00\x08\x00\x00\x00\x03\x00" + // entries: width, height, offset of the strip
			"\x00\x01\x03\x00\x01\x00\x00\x00\x60\xea\x00\x00" + "\x01\x01\x03\x00\x01\x00\x00\x00\x60\xea\x00\x00" +
			"\x11\x01\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00" + "\x00\x00\x00\x00"),
	}
	for name, file := range files {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(file, DecodeOptions{})
		runtime.ReadMemStats(&after)
		wanted.ErrorOf(t, name, err, "the "+name+"'s header says", "more than the limit of 178956970")
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes were allocated to refuse it", name, used)
		}
	}
}
