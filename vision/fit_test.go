package vision

import (
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestColumnsFirst has orders that Pillow 13.0.0 resized in, found by comparing each with
// the two passes one after the other.
func TestColumnsFirst(t *testing.T) {
	for _, c := range []struct {
		width, height, newWidth, newHeight int
		want                               bool
	}{
		{354, 500, 299, 299, true}, {335, 500, 299, 299, true}, {500, 335, 299, 299, false}, {667, 995, 299, 299, false}, {610, 877, 299, 299, false},
		{110, 120, 100, 100, false}, {110, 121, 100, 100, true}, {90, 100, 100, 100, false}, {90, 101, 100, 100, true}, {36, 148, 74, 155, false},
		{500, 850, 100, 50, false}, {500, 851, 100, 50, true}, {53, 126, 21, 60, true}, {41, 149, 20, 93, true},
	} {
		if got := columnsFirst(c.width, c.height, c.newWidth, c.newHeight); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestFits puts a photograph twice as tall as wide into a square.
func TestFits(t *testing.T) {
	m := newImage(4, 8)
	for y := range 8 {
		for x := range 4 {
			copy(m.Pix[3*(4*y+x):], []uint8{uint8(30 * y), uint8(60 * x), 200})
		}
	}
	p := Preprocessing{Size: 4, Crop: 1, Interpolation: Bilinear, Mean: [3]float32{0.5, 0.25, 0}, Std: [3]float32{1, 1, 1}}
	crop := func(f Fit) *Image {
		p.Fit = f
		out, err := p.CentralCrop(m)
		if err != nil || out.Width != 4 || out.Height != 4 {
			t.Fatalf("%s: %v", f, err)
		}
		return out
	}
	if !slices.Equal(crop(FitCenter).Pix, m.Pix[3*4*2:3*4*6]) || !slices.Equal(crop("").Pix, crop(FitCenter).Pix) {
		t.Error("center does not keep the middle")
	}
	squashed, err := Resize(m, 4, 4, Bilinear)
	if err != nil || !slices.Equal(crop(FitSquash).Pix, squashed.Pix) {
		t.Errorf("squash is not both sides resized: %v", err)
	}
	narrow, err := Resize(m, 2, 4, Bilinear)
	if err != nil {
		t.Fatal(err)
	}
	bordered := crop(FitBorder)
	for y := range 4 {
		row := bordered.row(y)
		border := []uint8{128, 64, 0}
		if !slices.Equal(row[:3], border) || !slices.Equal(row[9:], border) || !slices.Equal(row[3:9], narrow.row(y)) {
			t.Errorf("row %d with a border is %v", y, row)
		}
	}
	p.Fit = "stretch"
	_, err = p.CentralCrop(m)
	wanted.Error(t, err, `"stretch"`, "center", "squash", "border")
	wanted.Error(t, p.Check(), `"stretch"`)
}
