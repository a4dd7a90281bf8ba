package vision

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// colourful is a picture whose pixels are all different, as NRGBA.
func colourful(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{uint8(40 * x), uint8(50 * y), uint8(20*x + 30*y), 255})
		}
	}
	return m
}

func encode(t testing.TB, m image.Image, with func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := with(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodePNG(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) }
func encodeBMP(b *bytes.Buffer, m image.Image) error { return bmp.Encode(b, m) }
func encodeGIF(b *bytes.Buffer, m image.Image) error { return gif.Encode(b, m, nil) }
func encodeJPEG(b *bytes.Buffer, m image.Image) error {
	return jpeg.Encode(b, m, &jpeg.Options{Quality: 95})
}

// webpPixels is a lossless WebP file of two pixels, red and a blue, by cwebp.
const webpPixels = "UklGRiAAAABXRUJQVlA4TBMAAAAvAQAAAA8wgPs///MfWqhARP8DAA=="

// TestFormats decodes what lossless encoders wrote, in every colour type that
// they write, and expects each pixel.
func TestFormats(t *testing.T) {
	const width, height = 5, 4
	opaque := colourful(width, height)
	convert := func(to interface {
		image.Image
		Set(x, y int, c color.Color)
	}, alpha uint8) image.Image {
		for y := range height {
			for x := range width {
				c := opaque.NRGBAAt(x, y)
				c.A = alpha
				to.Set(x, y, c)
			}
		}
		return to
	}
	bounds := opaque.Bounds()
	palette := color.Palette{color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}, color.NRGBA{0, 0, 0, 0}}
	paletted := image.NewPaletted(bounds, palette)
	for i := range paletted.Pix {
		paletted.Pix[i] = uint8(i % 3)
	}
	for name, c := range map[string]struct {
		image  image.Image
		encode func(*bytes.Buffer, image.Image) error
	}{
		"png rgb":            {opaque, encodePNG},
		"png gray":           {convert(image.NewGray(bounds), 255), encodePNG},
		"png gray 16":        {convert(image.NewGray16(bounds), 255), encodePNG},
		"png rgb 16":         {convert(image.NewRGBA64(bounds), 255), encodePNG},
		"png alpha":          {convert(image.NewNRGBA(bounds), 100), encodePNG},
		"png alpha 16":       {convert(image.NewNRGBA64(bounds), 100), encodePNG},
		"png palette, holes": {paletted, encodePNG},
		"gif":                {paletted, encodeGIF},
		"bmp":                {opaque, encodeBMP},
		"bmp gray":           {convert(image.NewGray(bounds), 255), encodeBMP},
	} {
		m, err := Decode(encode(t, c.image, c.encode), DecodeOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Width != width || m.Height != height || len(m.Pix) != width*height*3 {
			t.Errorf("%s: %d x %d with %d bytes", name, m.Width, m.Height, len(m.Pix))
			continue
		}
		for y := range height {
			for x := range width {
				n := color.NRGBA64Model.Convert(c.image.At(x, y)).(color.NRGBA64)
				for i, v := range []uint16{n.R, n.G, n.B} {
					a := float64(n.A) / 65535
					want := float64(v)/257*a + 255*(1-a)
					if got := float64(m.row(y)[3*x+i]); got < want-1 || got > want+1 {
						t.Errorf("%s: pixel %d,%d channel %d is %g, want %g", name, x, y, i, got, want)
					}
				}
			}
		}
	}
	data, _ := base64.StdEncoding.DecodeString(webpPixels)
	m, err := Decode(data, DecodeOptions{})
	if err != nil {
		t.Errorf("webp: %v", err)
	} else if !bytes.Equal(m.Pix, []uint8{255, 0, 0, 0, 128, 255}) {
		t.Errorf("webp: pixels %v", m.Pix)
	}
}

// TestChromaUpsampling compares with values computed by hand from libjpeg's
// definition: weights 3/4 and 1/4, and 9/16, 3/16, 3/16, 1/16 for both directions.
func TestChromaUpsampling(t *testing.T) {
	to := make([]uint8, 8)
	widen(to[:6], []uint8{10, 20, 40})
	if want := []uint8{10, 13, 17, 25, 35, 40}; !bytes.Equal(to[:6], want) {
		t.Errorf("one direction: %v, want %v", to[:6], want)
	}
	// Sums of weight four of the rows 10 20 40 (near) and 30 20 0 (far).
	widenSums(to[:6], []int32{3*10 + 30, 3*20 + 20, 3*40 + 0}, 7)
	if want := []uint8{15, 16, 19, 22, 28, 30}; !bytes.Equal(to[:6], want) {
		t.Errorf("both directions: %v, want %v", to[:6], want)
	}
}

// TestChromaInterpolation compares random planes with the definition: a chroma
// sample, its neighbour on the pixel's side in either direction and the one across
// weigh 9, 3, 3 and 1 sixteenths (3 and 1 quarters in one direction), with the
// roundings of libjpeg and of libwebp, and the colours in floating point.
func TestChromaInterpolation(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	type bias struct{ left, right int }
	for _, c := range []struct {
		ratio            image.YCbCrSubsampleRatio
		style            chromaStyle
		wide, tall       int // luma samples per chroma sample
		divisor          int
		width, height    int
		even, odd        bias // by row
		limited, nearest bool
	}{
		{image.YCbCrSubsampleRatio420, libwebpStyle(), 2, 2, 16, 21, 14, bias{8, 8}, bias{8, 8}, true, false},
		{image.YCbCrSubsampleRatio420, libwebpStyle(), 2, 2, 16, 3, 5, bias{8, 8}, bias{8, 8}, true, false},
	} {
		src := image.NewYCbCr(image.Rect(0, 0, c.width, c.height), c.ratio)
		for _, plane := range [][]uint8{src.Y, src.Cb, src.Cr} {
			for i := range plane {
				plane[i] = uint8(random.Uint32())
			}
		}
		chroma := func(plane []uint8, x, y int) float64 {
			w, h := (c.width+c.wide-1)/c.wide, (c.height+c.tall-1)/c.tall
			at := func(x, y int) int { return int(plane[min(max(y, 0), h-1)*src.CStride+min(max(x, 0), w-1)]) }
			cx, cy := x/c.wide, y/c.tall
			if c.nearest || c.divisor == 1 {
				return float64(at(cx, cy))
			}
			rounding := c.even
			if y%2 == 1 {
				rounding = c.odd
			}
			extra := rounding.left
			if x%2 == 1 {
				extra = rounding.right
			}
			toX, toY := cx+2*(x%2)-1, cy+2*(y%2)-1
			sum := 0
			switch {
			case c.wide == 2 && c.tall == 2:
				sum = 9*at(cx, cy) + 3*at(toX, cy) + 3*at(cx, toY) + at(toX, toY)
			case c.wide == 2:
				sum = 3*at(cx, cy) + at(toX, cy)
				if toX < 0 || toX >= w {
					return float64(at(cx, cy))
				}
			default:
				sum = 3*at(cx, cy) + at(cx, toY)
			}
			return float64((sum + extra) / c.divisor)
		}
		m := newImage(c.width, c.height)
		fromYCbCr(m, src, c.style)
		for y := range c.height {
			for x := range c.width {
				l, b, r := float64(src.Y[y*src.YStride+x]), chroma(src.Cb, x, y)-128, chroma(src.Cr, x, y)-128
				want := [3]float64{l + 1.402*r, l - 0.34414*b - 0.71414*r, l + 1.772*b}
				tolerance := 0.51
				if c.limited { // truncated twice
					l = (l - 16) * 255 / 219
					want = [3]float64{l + 1.596*r, l - 0.3918*b - 0.813*r, l + 2.0172*b}
					tolerance = 1
				}
				for i, v := range want {
					if got := float64(m.row(y)[3*x+i]); math.Abs(got-min(max(v, 0), 255)) > tolerance {
						t.Fatalf("%v, %d x %d, limited range %t: pixel %d,%d channel %d is %g, want %.2f", c.ratio, c.width, c.height, c.limited, x, y, i, got, v)
					}
				}
			}
		}
	}
}

// withOrientation inserts an EXIF segment into a JPEG file.
func withOrientation(file []byte, orientation uint16, order binary.AppendByteOrder) []byte {
	tiff := []byte("II*\x00")
	if order.String() == "BigEndian" {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, entry := range [][2]uint16{{0x0100, 7}, {0x0112, orientation}} {
		tiff = order.AppendUint16(tiff, entry[0])
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, entry[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xFF, 0xE1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	out = append(out, segment...)
	return append(out, file[2:]...)
}

// TestOrientation decodes a picture with a bright top left corner, and expects
// the corner where each EXIF orientation puts it.
func TestOrientation(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 32, 16))
	for y := range 8 {
		for x := range 8 {
			m.SetGray(x, y, color.Gray{255})
		}
	}
	file := encode(t, m, encodeJPEG)
	for orientation, corner := range map[uint16]string{
		1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left",
		5: "top left", 6: "top right", 7: "bottom right", 8: "bottom left",
		0: "top left", 9: "top left", // not orientations
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			turned := withOrientation(file, orientation, order)
			got, err := Decode(turned, DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			wantWidth, wantHeight := 32, 16
			if orientation >= 5 && orientation <= 8 {
				wantWidth, wantHeight = 16, 32
			}
			if got.Width != wantWidth || got.Height != wantHeight {
				t.Errorf("orientation %d: %d x %d, want %d x %d", orientation, got.Width, got.Height, wantWidth, wantHeight)
				continue
			}
			y, x := 2, 2
			if strings.HasPrefix(corner, "bottom") {
				y = got.Height - 3
			}
			if strings.HasSuffix(corner, "right") {
				x = got.Width - 3
			}
			if got.row(y)[3*x] < 200 {
				t.Errorf("orientation %d, %v: the %s corner is dark", orientation, order, corner)
			}
			stored, err := Decode(turned, DecodeOptions{IgnoreOrientation: true})
			if err != nil || stored.Width != 32 || stored.row(2)[6] < 200 {
				t.Errorf("orientation %d is not ignored", orientation)
			}
		}
	}
	// Orientations 5 and 7 keep the corner of 1 and 3: tell them apart by an edge.
	for i := range 3 {
		m.SetGray(16+i, 1, color.Gray{255})
	}
	asymmetric := encode(t, m, encodeJPEG)
	for orientation, at := range map[uint16][2]int{5: {1, 17}, 7: {14, 14}} { // x, y
		got, err := Decode(withOrientation(asymmetric, orientation, binary.BigEndian), DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got.row(at[1])[3*at[0]] < 120 {
			t.Errorf("orientation %d: the mark is not at %v", orientation, at)
		}
	}
}

// pngHeader is a PNG file that claims a size, without pixels.
func pngHeader(width, height uint32) []byte {
	data := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	data = append(data, chunk...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(chunk))
}

// TestPixelLimit refuses by the header, without allocating the pixels.
func TestPixelLimit(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(pngHeader(60000, 60000), DecodeOptions{})
	runtime.ReadMemStats(&after)
	wanted.Error(t, err, "60000 x 60000", "178956970", "limit")
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were allocated to refuse it", used)
	}
	file := encode(t, colourful(10, 10), encodePNG)
	_, err = Decode(file, DecodeOptions{MaxPixels: 99})
	wanted.Error(t, err, "10 x 10", "99")
	if _, err := Decode(file, DecodeOptions{MaxPixels: 100}); err != nil {
		t.Error(err)
	}
}

// TestDevice opens what has no end and does not say how much it has.
func TestDevice(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip("there is no /dev/zero")
	}
	_, err := Open("/dev/zero", DecodeOptions{MaxBytes: 1 << 20})
	if err == nil || !strings.Contains(err.Error(), "more than the limit of 1048576 bytes") {
		t.Errorf("error %v, expected that more comes than the limit", err)
	}
}

func TestBadFiles(t *testing.T) {
	folder := t.TempDir()
	whole := encode(t, colourful(64, 64), encodeJPEG)
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"empty.jpg":     {nil, []string{"expected an image", "empty", "again"}},
		"truncated.jpg": {whole[:len(whole)/2], []string{"ends too early", "copied whole"}},
		"header.png":    {encode(t, colourful(64, 64), encodePNG)[:40], []string{"ends too early"}},
		"text.jpg":      {[]byte("Just a little text, with an ü."), []string{"expected JPEG", "found text", "download"}},
		"photo.heic":    {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), []string{"HEIC", "heif-convert"}},
		"photo.avif":    {[]byte("\x00\x00\x00\x18ftypavif\x00\x00\x00\x00"), []string{"AVIF"}},
		"scan.tif":      {[]byte("II*\x00\x08\x00\x00\x00"), []string{"TIFF", "ends too early"}},
		"photo.jxl":     {[]byte("\xff\x0a\xfa\x7f"), []string{"JPEG XL"}},
		"photo.jp2":     {[]byte("\x00\x00\x00\x0cjP  \x0d\x0a"), []string{"JPEG 2000"}},
		"paper.pdf":     {[]byte("%PDF-1.7"), []string{"PDF"}},
		"noise.png":     {[]byte{1, 2, 0, 4, 5}, []string{"expected JPEG", "01 02 00 04 05"}},
		"damaged.png":   {append(pngHeader(4, 4), "\x00\x00\x00\x04IDATxxxxyyyy"...), []string{"damaged"}},
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, DecodeOptions{})
		wanted.Error(t, err, append(c.want, path)...)
	}
	_, err := Open(folder, DecodeOptions{})
	wanted.Error(t, err, folder, "found a folder", "name a file")
	_, err = Open(filepath.Join(folder, "missing.jpg"), DecodeOptions{})
	wanted.Error(t, err, "missing.jpg", "no such file", "check the path")
	link := filepath.Join(folder, "link.jpg")
	if err := os.Symlink("missing.jpg", link); err != nil {
		t.Skipf("this system makes no symbolic links: %v", err)
	}
	_, err = Open(link, DecodeOptions{})
	wanted.Error(t, err, link, "a link to missing.jpg")
}

// FuzzDecode feeds hostile files: whatever they hold, an image comes out whole,
// or an error.
func FuzzDecode(f *testing.F) {
	picture := colourful(9, 7)
	for _, with := range []func(*bytes.Buffer, image.Image) error{encodePNG, encodeBMP, encodeGIF, encodeJPEG} {
		f.Add(encode(f, picture, with))
	}
	f.Add(withOrientation(encode(f, picture, encodeJPEG), 6, binary.LittleEndian))
	webp, _ := base64.StdEncoding.DecodeString(webpPixels)
	f.Add(webp)
	f.Add(zeroWebP())
	f.Add(flatJPEG{9, 7, 0x22, 2, 8, []uint8{81, 90, 240, 128}}.encode())
	f.Add(flatJPEG{9, 7, 0x21, -1, 8, []uint8{81, 90, 240}}.encode())
	f.Add(pngHeader(60000, 60000))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, DecodeOptions{MaxPixels: 1 << 16})
		if err == nil && (m.Width < 1 || m.Height < 1 || len(m.Pix) != 3*m.Width*m.Height) {
			t.Errorf("%d x %d with %d bytes", m.Width, m.Height, len(m.Pix))
		}
	})
}
