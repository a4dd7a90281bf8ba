package vision

import (
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestContactSheet finds five plain images, two to a row.
func TestContactSheet(t *testing.T) {
	var images []*Image
	for i := range 5 {
		m := newImage(7, 7)
		for j := range m.Pix {
			m.Pix[j] = uint8(10 * (i + 1))
		}
		images = append(images, m)
	}
	sheet, err := ContactSheet(images, 2, 10)
	if err != nil {
		t.Fatal(err)
	}
	if sheet.Width != 26 || sheet.Height != 38 {
		t.Fatalf("the sheet is %d x %d, want 26 x 38", sheet.Width, sheet.Height)
	}
	for y := range sheet.Height {
		for x := range sheet.Width {
			column, row, want := (x-2)/12, (y-2)/12, uint8(128)
			if i := 2*row + column; x >= 2 && y >= 2 && (x-2)%12 < 10 && (y-2)%12 < 10 && i < 5 {
				want = images[i].Pix[0]
			}
			if got := sheet.row(y)[3*x]; got != want {
				t.Fatalf("pixel %d,%d is %d, want %d", x, y, got, want)
			}
		}
	}
	for _, c := range []struct {
		images        []*Image
		columns, tile int
	}{{nil, 1, 1}, {images, 0, 1}, {images, 1, 0}, {images, 5, 1 << 20}} {
		_, err := ContactSheet(c.images, c.columns, c.tile)
		wanted.Error(t, err, "contact sheet")
	}
	_, err = ContactSheet([]*Image{{Width: 3, Height: 3}}, 1, 1)
	wanted.Error(t, err, "image 0", "3 x 3")
}
