package jpeg

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"image"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// pictures reads the files that testdata/make.py wrote, and what Pillow reads of them: for
// each, lists of denominator, width, height and CRC-32 of the pixels.
func pictures(t testing.TB) (files map[string][]byte, expected map[string][][4]int) {
	archive, err := zip.OpenReader("testdata/pictures.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files = map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(files["expected.json"], &expected); err != nil {
		t.Fatal(err)
	}
	delete(files, "expected.json")
	return files, expected
}

// TestPillow expects the pixels that Pillow reads, bit by bit, at every denominator, with
// the chosen kernels and with the plain loops.
func TestPillow(t *testing.T) {
	files, expected := pictures(t)
	chosen := kernels
	defer func() { kernels = chosen }()
	compared := 0
	for _, set := range []kernelSet{chosen, generic} {
		kernels = set
		for name, data := range files {
			for _, e := range expected[name] {
				p, err := Decode(data, Options{Denominator: e[0]})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					break
				}
				compared++
				if p.Width != e[1] || p.Height != e[2] || int(crc32.ChecksumIEEE(p.Pix)) != e[3] {
					t.Errorf("%s at 1/%d by %s: %d x %d pixels that differ from Pillow's %d x %d", name, e[0], set.name, p.Width, p.Height, e[1], e[2])
				}
			}
		}
	}
	if compared < 2*700 {
		t.Errorf("%d pictures were compared, want more", compared)
	}
}

// TestRegion expects the pixels of a part to be those of the whole.
func TestRegion(t *testing.T) {
	files, _ := pictures(t)
	random := rand.New(rand.NewPCG(5, 6))
	for name, data := range files {
		for _, denominator := range []int{1, 2, 4, 8} {
			whole, err := Decode(data, Options{Denominator: denominator})
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				x, y := random.IntN(whole.Width), random.IntN(whole.Height)
				r := image.Rect(x, y, x+1+random.IntN(whole.Width-x), y+1+random.IntN(whole.Height-y))
				part, err := Decode(data, Options{Denominator: denominator, Region: r})
				if err != nil {
					t.Fatal(err)
				}
				for y := range r.Dy() {
					if !bytes.Equal(part.Pix[3*y*r.Dx():][:3*r.Dx()], whole.Pix[3*((r.Min.Y+y)*whole.Width+r.Min.X):][:3*r.Dx()]) {
						t.Fatalf("%s at 1/%d: row %d of the part %v differs from the whole", name, denominator, y, r)
					}
				}
			}
		}
	}
}

// TestCut cuts files at every byte. What is left is an error unless all of the picture is
// there, and then the same picture; if it may be cut, it has the whole size.
func TestCut(t *testing.T) {
	files, _ := pictures(t)
	for _, name := range []string{
		"sequential_2x2,1x1,1x1_50x37.jpg", "progressive_2x1,1x1,1x1_17x33.jpg", "restart_1x1,1x1,1x1_17x33.jpg",
		"cmyk_17x33.jpg", "scans_of_one_component.jpg",
	} {
		data := files[name]
		whole, err := Decode(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for n := range data {
			p, err := Decode(data[:n], Options{})
			var damaged *DamagedError
			switch {
			case err == nil:
				read++
				if !bytes.Equal(p.Pix, whole.Pix) {
					t.Fatalf("%s, cut at byte %d of %d, is read as another picture", name, n, len(data))
				}
			case !errors.As(err, &damaged) || damaged.Offset > n:
				t.Fatalf("%s, cut at byte %d: %v", name, n, err)
			}
			if p, err := Decode(data[:n], Options{AllowTruncated: true}); err == nil && (p.Width != whole.Width || p.Height != whole.Height) {
				t.Fatalf("%s, cut at byte %d: %d x %d pixels", name, n, p.Width, p.Height)
			}
		}
		// Without the end marker, or half of it, or the padding before it.
		if read < 2 || read > 4 {
			t.Errorf("%s is read at %d cuts, want those of the end marker", name, read)
		}
	}
}

// TestSurplus reads pictures that are all there, whatever follows.
func TestSurplus(t *testing.T) {
	files, _ := pictures(t)
	for _, name := range []string{"sequential_2x2,1x1,1x1_50x37.jpg", "progressive_2x1,1x1,1x1_17x33.jpg", "restart_1x1,1x1,1x1_17x33.jpg"} {
		data := files[name]
		whole, err := Decode(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		body := data[:len(data)-2]
		for what, file := range map[string][]byte{
			"without an end":         body,
			"with another picture":   append(bytes.Clone(data), data...),
			"with text":              append(bytes.Clone(data), "and so on"...),
			"with a damaged segment": append(bytes.Clone(body), 0xFF, 0xFE, 0xFF),
			"with zeros":             append(bytes.Clone(body), make([]byte, 100)...),
			"with fill bytes":        append(append(bytes.Clone(body), 0xFF, 0xFF, 0xFF), 0xFF, 0xD9),
		} {
			p, err := Decode(file, Options{})
			if err != nil || !bytes.Equal(p.Pix, whole.Pix) {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
	}
}

// TestDamage expects an error of data that cannot be right.
func TestDamage(t *testing.T) {
	files, _ := pictures(t)
	restart := files["restart_1x1,1x1,1x1_50x37.jpg"]
	second := bytes.Index(restart, []byte{0xFF, 0xD1})
	third := bytes.Index(restart, []byte{0xFF, 0xD2})
	progressive := files["progressive_1x1,1x1,1x1_50x37.jpg"]
	scans := bytes.LastIndex(progressive, []byte{0xFF, 0xDA})
	sof := bytes.Index(restart, []byte{0xFF, 0xC0})
	edit := func(file []byte, at int, value byte) []byte {
		file = bytes.Clone(file)
		file[at] = value
		return file
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"an interval is missing":      {append(bytes.Clone(restart[:second]), restart[third:]...), "restart marker 1"},
		"a marker is another":         {edit(restart, second+1, 0xD5), "restart marker 1"},
		"an interval is too long":     {append(append(bytes.Clone(restart[:second]), 0x12, 0x34, 0x56), restart[second:]...), "data are left"},
		"the last scan is missing":    {progressive[:scans], "before the last scan"},
		"a scan comes twice":          {append(bytes.Clone(progressive[:len(progressive)-2]), progressive[scans:]...), "does not follow"},
		"another size, data too few":  {edit(edit(restart, sof+5, 0xFF), sof+7, 0xFF), "too short"},
		"nothing but a header":        {restart[:sof+19], "data are missing"},
		"no quantisation table":       {bytes.Replace(restart, []byte{0xFF, 0xDB}, []byte{0xFF, 0xFE}, -1), "quantisation table"},
		"no Huffman table":            {bytes.Replace(restart, []byte{0xFF, 0xC4}, []byte{0xFF, 0xFE}, -1), "Huffman table"},
		"a sampling of none":          {edit(restart, sof+11, 0x01), "sampling"},
		"components of the same name": {edit(restart, sof+13, 1), "two components"},
	} {
		_, err := Decode(c.file, Options{})
		var damaged *DamagedError
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one of %q", name, err, c.want)
		}
	}
}

// TestCutArithmetic cuts a file whose coding tells less of where it ends: what is read must
// be the picture.
func TestCutArithmetic(t *testing.T) {
	files, _ := pictures(t)
	for _, name := range []string{"arithmetic_2x2,1x1,1x1_50x37.jpg", "arithmetic_progressive_1x1,1x1,1x1_17x33.jpg"} {
		data := files[name]
		whole, err := Decode(data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			if p, err := Decode(data[:n], Options{}); err == nil && !bytes.Equal(p.Pix, whole.Pix) {
				t.Fatalf("%s, cut at byte %d of %d, is read as another picture", name, n, len(data))
			}
		}
	}
}

// TestUnsupported names what is not decoded.
func TestUnsupported(t *testing.T) {
	files, _ := pictures(t)
	file := files["sequential_1x1,1x1,1x1_50x37.jpg"]
	sof := bytes.Index(file, []byte{0xFF, 0xC0})
	for want, edit := range map[string]func(file []byte){
		"12 bits a sample":        func(file []byte) { file[sof+4] = 12 },
		"lossless coding":         func(file []byte) { file[sof+1] = 0xC3 },
		"hierarchical coding":     func(file []byte) { file[sof+1] = 0xC5 },
		"lossless arithmetic":     func(file []byte) { file[sof+1] = 0xCB },
		"hierarchical arithmetic": func(file []byte) { file[sof+1] = 0xCD },
		"number of lines":         func(file []byte) { file[sof+5], file[sof+6] = 0, 0 },
		"2 components":            func(file []byte) { file[sof+9] = 2 },
	} {
		changed := bytes.Clone(file)
		edit(changed)
		_, err := Decode(changed, Options{})
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one of %q", err, want)
		}
		if _, err := ParseHeader(changed); !errors.As(err, &unsupported) {
			t.Errorf("the header: %v, want one of %q", err, want)
		}
	}
	if _, err := Decode(file, Options{Denominator: 3}); err == nil {
		t.Error("a third is no denominator")
	}
}

// FuzzDecode expects no panic and no wait, and pictures of the size in the header.
func FuzzDecode(f *testing.F) {
	files, _ := pictures(f)
	for name, data := range files {
		if strings.Contains(name, "17x33") || strings.HasPrefix(name, "four") {
			f.Add(data, uint8(len(name)), len(name)%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, shift uint8, tolerant bool) {
		h, err := ParseHeader(data)
		if err != nil || h.Width*h.Height > 1<<18 {
			return
		}
		denominator := 1 << (shift & 3)
		p, err := Decode(data, Options{Denominator: denominator, AllowTruncated: tolerant})
		if err != nil {
			return
		}
		if p.Width != reduced(h.Width, denominator) || p.Height != reduced(h.Height, denominator) || len(p.Pix) != 3*p.Width*p.Height {
			t.Errorf("%d x %d pixels at 1/%d are %d x %d in %d bytes", h.Width, h.Height, denominator, p.Width, p.Height, len(p.Pix))
		}
	})
}
