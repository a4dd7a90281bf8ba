package vision

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"testing"
)

// TestReduced expects the crop of a JPEG that was decoded at a part of its size to be that
// of the whole one, nearly, in its place to a fraction of a pixel: in all orientations, with
// sizes that the denominator does not divide.
func TestReduced(t *testing.T) {
	const width, height = 1603, 1205
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			wave := 60*math.Sin(float64(x)/23) + 50*math.Cos(float64(y)/31+float64(x)/90)
			m.SetRGBA(x, y, color.RGBA{uint8(128 + wave), uint8(128 - wave/2), uint8(100 + 90*float64(x)/width), 255})
		}
	}
	photo := encode(t, m, encodeJPEG)
	for _, c := range []struct{ size, denominator int }{{64, 8}, {128, 4}, {256, 2}, {288, 1}} {
		p := Preprocessing{Size: c.size, Crop: 0.875, Interpolation: Bicubic}
		for orientation := uint16(1); orientation <= 8; orientation++ {
			file := withOrientation(photo, orientation, binary.BigEndian)
			whole, err := Decode(file, DecodeOptions{ResizedTo: p.ResizedTo(), Exact: true})
			if err != nil {
				t.Fatal(err)
			}
			reduced, err := Decode(file, DecodeOptions{ResizedTo: p.ResizedTo()})
			if err != nil {
				t.Fatal(err)
			}
			if want := (whole.Width + c.denominator - 1) / c.denominator; reduced.Width != want {
				t.Fatalf("size %d: decoded to a width of %d, want %d", c.size, reduced.Width, want)
			}
			if w, h := reduced.PhotoSize(); w != whole.Width || h != whole.Height {
				t.Errorf("orientation %d: the photo has %d x %d pixels, want %d x %d", orientation, w, h, whole.Width, whole.Height)
			}
			want, err := p.CentralCrop(whole)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.CentralCrop(reduced)
			if err != nil {
				t.Fatal(err)
			}
			// A shift of half a pixel of the crop would be several levels.
			sum, signed := 0.0, 0.0
			for i, v := range got.Pix {
				d := float64(v) - float64(want.Pix[i])
				sum, signed = sum+math.Abs(d), signed+d
			}
			n := float64(len(got.Pix))
			if !(sum/n < 1) || math.Abs(signed/n) > 0.2 {
				t.Errorf("size %d, orientation %d: crops differ by %.3f levels, %.3f on the whole", c.size, orientation, sum/n, signed/n)
			}
		}
	}
}

// TestMemoryLimits refuses by header, before memory is taken.
func TestMemoryLimits(t *testing.T) {
	photo := encode(t, colourful(60, 40), encodeJPEG)
	if _, err := Decode(photo, DecodeOptions{MaxBytes: 3 * 60 * 40}); err == nil {
		t.Error("a photo is decoded that takes more memory than the limit")
	}
	var reserved int64
	if _, err := Decode(photo, DecodeOptions{Reserve: func(bytes int64) { reserved = bytes }}); err != nil || reserved < 3*60*40 {
		t.Errorf("%d bytes are reserved, %v", reserved, err)
	}
}
