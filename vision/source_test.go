package vision

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// TestPart expects the pixels of a part to be those of the whole, for all orientations.
func TestPart(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 16))
	for _, size := range [][2]int{{40, 31}, {33, 18}, {7, 9}, {3, 3}, {1, 1}} {
		photo := encode(t, colourful(size[0], size[1]), encodeJPEG)
		for orientation := 1; orientation <= 8; orientation++ {
			s, err := decodeSource(withOrientation(photo, uint16(orientation), binary.BigEndian), DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			whole, err := s.all()
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				r := region{x: random.IntN(whole.Width), y: random.IntN(whole.Height)}
				r.width, r.height = 1+random.IntN(whole.Width-r.x), 1+random.IntN(whole.Height-r.y)
				got, err := s.part(r)
				want, _ := whole.cut(r)
				if err != nil || got.Width != r.width || got.Height != r.height || !bytes.Equal(got.Pix, want.Pix) {
					t.Fatalf("%v, orientation %d: the part %+v differs from the whole", size, orientation, r)
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
		var got *Image
		if err == nil {
			got, err = s.all()
		}
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
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s: the pixels differ from Decode's", name)
		}
	}
}
