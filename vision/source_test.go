package vision

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// TestPart expects the pixels of a part to be those of the whole, for all kinds of
// stored pixels and orientations.
func TestPart(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 16))
	var images []image.Image
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		for _, size := range [][2]int{{40, 31}, {33, 18}, {7, 9}, {3, 3}, {1, 1}} {
			m := image.NewYCbCr(image.Rect(0, 0, size[0], size[1]), ratio)
			for _, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
				for i := range plane {
					plane[i] = uint8(random.Uint32())
				}
			}
			images = append(images, m)
		}
	}
	gray, cmyk := image.NewGray(image.Rect(0, 0, 21, 13)), image.NewCMYK(image.Rect(0, 0, 21, 13))
	for _, plane := range [][]uint8{gray.Pix, cmyk.Pix} {
		for i := range plane {
			plane[i] = uint8(random.Uint32())
		}
	}
	images = append(images, gray, cmyk)
	for _, m := range images {
		for orientation := 1; orientation <= 8; orientation++ {
			whole := toRGB(m).oriented(orientation)
			s := newSource(storedColours{m.(subImager)}, orientation)
			for range 20 {
				r := region{x: random.IntN(whole.Width), y: random.IntN(whole.Height)}
				r.width, r.height = 1+random.IntN(whole.Width-r.x), 1+random.IntN(whole.Height-r.y)
				got, want := s.part(r), whole.cut(r)
				if got.Width != r.width || got.Height != r.height || !bytes.Equal(got.Pix, want.Pix) {
					t.Fatalf("%T of %v, orientation %d: the part %+v differs from the whole", m, m.Bounds(), orientation, r)
				}
			}
		}
	}
}

// TestDecodeSource expects every kind of file to have the size and pixels that Decode
// gives it, and the same errors.
func TestDecodeSource(t *testing.T) {
	photo := encode(t, colourful(21, 14), encodeJPEG)
	gray := image.NewGray(image.Rect(0, 0, 12, 9))
	gray.SetGray(3, 4, color.Gray{200})
	for name, data := range map[string][]byte{
		"jpeg":        photo,
		"turned jpeg": withOrientation(photo, 6, binary.BigEndian),
		"gray jpeg":   encode(t, gray, encodeJPEG),
		"png":         encode(t, colourful(21, 14), encodePNG),
		"cut jpeg":    photo[:len(photo)/2],
		"text":        []byte("no image"),
		"empty":       nil,
		"large":       pngHeader(60000, 60000),
	} {
		want, wantErr := Decode(data, DecodeOptions{})
		s, err := decodeSource(data, DecodeOptions{})
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s: error %v, want %v", name, err, wantErr)
			continue
		}
		if err != nil {
			continue
		}
		if s.width != want.Width || s.height != want.Height {
			t.Errorf("%s: %d x %d, want %d x %d", name, s.width, s.height, want.Width, want.Height)
			continue
		}
		if got := s.part(region{0, 0, s.width, s.height}); !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s: the pixels differ from Decode's", name)
		}
	}
}
