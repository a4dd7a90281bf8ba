package explain_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"github.com/seed-fb2c0fa6/inception/explain"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestDraw expects a picture as it is on the left, red over it on the right where a map is above
// 0, blue where it is below, and grey where it is 0.
func TestDraw(t *testing.T) {
	m := &vision.Image{Width: 300, Height: 300, Pix: make([]uint8, 3*300*300)}
	for i := range m.Pix {
		m.Pix[i] = 100
	}
	drawn := func(of explain.Map) image.Image {
		t.Helper()
		p, err := explain.Draw(m, of)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(p.PNG))
		if err != nil || picture.Bounds().Dx() != p.Width || picture.Bounds().Dy() != p.Height {
			t.Fatalf("%d x %d pixels, %v", p.Width, p.Height, err)
		}
		return picture
	}
	picture := drawn(explain.Map{Height: 2, Width: 3, Values: []float32{2, 0, -1, 2, 0, -2}, Signed: true})
	colour := func(x, y int) [3]int {
		r, g, b, _ := picture.At(x, y).RGBA()
		return [3]int{int(r >> 8), int(g >> 8), int(b >> 8)}
	}
	blue := func(c [3]int) bool { return c[2] > c[0]+40 }
	const left, overlay, top = 12, 12 + 300 + 12, 12
	if c := colour(left+10, top+10); c != [3]int{100, 100, 100} {
		t.Errorf("the photograph is %v", c)
	}
	if c := colour(overlay+20, top+150); !(c[0] > 150 && c[2] < 80) {
		t.Errorf("what speaks for the class is %v", c)
	}
	strong, weak := colour(overlay+280, top+280), colour(overlay+280, top+20)
	if !(strong[2] > 140 && strong[0] < 80) || !(weak[2] < strong[2] && weak[2] > 110) {
		t.Errorf("what speaks against it is %v, and half as much %v", strong, weak)
	}
	if c := colour(overlay+149, top+150); max(c[0], c[1], c[2])-min(c[0], c[1], c[2]) > 6 {
		t.Errorf("what says nothing is %v", c)
	}
	const scale = overlay + 300 + 12
	if !blue(colour(scale+5, top+290)) {
		t.Errorf("the scale's foot is %v", colour(scale+5, top+290))
	}
	if size := picture.Bounds().Size(); size.X < 2*300+80 || size.Y != 324 {
		t.Errorf("the picture is %v", size)
	}
	drawn(explain.Map{Height: 1, Width: 1, Values: []float32{0}})
	picture = drawn(explain.Map{Height: 1, Width: 2, Values: []float32{0, 3}})
	for y := top; y < top+300; y += 10 {
		if c := colour(scale+5, y); blue(c) {
			t.Errorf("a scale from 0 up has %v at %d", c, y)
		}
	}
	_, err := explain.Draw(m, explain.Map{Height: 2, Width: 2, Values: make([]float32, 3)})
	wanted.Error(t, err, "2 x 2", "3 values")
}

// TestLimit expects the few largest of many values not to make the others pale.
func TestLimit(t *testing.T) {
	m := explain.Map{Height: 20, Width: 20, Values: make([]float32, 400)}
	for i := range m.Values {
		m.Values[i] = -float32(i)
	}
	m.Values[0] = 1e6
	if limit, exceeded := m.Limit(); limit != 396 || !exceeded {
		t.Errorf("the scale ends at %g, %t", limit, exceeded)
	}
	m = explain.Map{Height: 8, Width: 8, Values: make([]float32, 64)}
	m.Values[5] = -7
	if limit, exceeded := m.Limit(); limit != 7 || exceeded {
		t.Errorf("the scale ends at %g, %t", limit, exceeded)
	}
}
