package vision

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

func noise(width, height int) *Image {
	random := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	m := newImage(width, height)
	for i := range m.Pix {
		m.Pix[i] = uint8(random.Uint32())
	}
	return m
}

// naiveResize is the definition, in floating point and without rounding between
// the passes.
func naiveResize(m *Image, width, height int, filter Interpolation) []float64 {
	reach, kernel := 2.0, func(x float64) float64 { // Keys' cubic convolution with a = -1/2
		switch x = math.Abs(x); {
		case x < 1:
			return 1.5*math.Pow(x, 3) - 2.5*math.Pow(x, 2) + 1
		case x < 2:
			return -0.5*math.Pow(x, 3) + 2.5*math.Pow(x, 2) - 4*x + 2
		}
		return 0
	}
	if filter == Bilinear {
		reach, kernel = 1, func(x float64) float64 { return math.Max(0, 1-math.Abs(x)) }
	}
	weights := func(size, out, at int) []float64 {
		scale := float64(size) / float64(out)
		wide := math.Max(scale, 1)
		center := (float64(at) + 0.5) * scale
		w, sum := make([]float64, size), 0.0
		for i := range w {
			// Pillow leaves out pixels whose centres are beyond the support, rounded.
			support := reach * wide
			if first, last := int(math.Max(center-support+0.5, 0)), int(center+support+0.5); i < first || i >= last {
				continue
			}
			w[i] = kernel((float64(i) + 0.5 - center) / wide)
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
		}
		return w
	}
	out := make([]float64, width*height*3)
	for y := range height {
		rows := weights(m.Height, height, y)
		for x := range width {
			columns := weights(m.Width, width, x)
			for sy, wy := range rows {
				for sx, wx := range columns {
					if w := wx * wy; w != 0 {
						for c := range 3 {
							out[(y*width+x)*3+c] += w * float64(m.row(sy)[3*sx+c])
						}
					}
				}
			}
		}
	}
	return out
}

// TestResize compares with the definition: half a level of rounding a pass, the
// first of which the second pass enlarges by its sum of absolute weights, up to 1.3.
func TestResize(t *testing.T) {
	for _, filter := range []Interpolation{Bicubic, Bilinear} {
		for _, s := range [][4]int{{20, 15, 7, 5}, {9, 11, 30, 17}, {16, 16, 16, 5}, {16, 16, 5, 16}, {7, 1, 3, 4}, {1, 1, 4, 4}, {5, 40, 3, 7}, {40, 5, 7, 5}} {
			src := noise(s[0], s[1])
			for i := range src.Pix {
				src.Pix[i] = 64 + src.Pix[i]/2 // bicubic overshoots stay within 8 bits
			}
			got, err := Resize(src, s[2], s[3], filter)
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 0.501
			if s[0] != s[2] && s[1] != s[3] {
				tolerance += 0.65
			}
			for i, want := range naiveResize(src, s[2], s[3], filter) {
				if math.Abs(float64(got.Pix[i])-want) > tolerance {
					t.Errorf("%v %v: value %d is %d, want %.2f", filter, s, i, got.Pix[i], want)
				}
			}
		}
	}
	same := noise(6, 5)
	if got, _ := Resize(same, 6, 5, Bicubic); !bytes.Equal(got.Pix, same.Pix) {
		t.Error("the same size should change nothing")
	}
	for _, size := range [][2]int{{0, 5}, {5, -1}, {math.MaxInt, math.MaxInt}} {
		_, err := Resize(same, size[0], size[1], Bicubic)
		wanted.Error(t, err, fmt.Sprintf("%d x %d", size[0], size[1]))
	}
	_, err := Resize(same, 3, 3, Interpolation(7))
	wanted.Error(t, err, "Interpolation(7)", "bicubic", "bilinear")
	_, err = Resize(&Image{Width: 2, Height: 2, Pix: make([]uint8, 11)}, 3, 3, Bicubic)
	wanted.Error(t, err, "2 x 2", "11 bytes")
}

// TestResizeByHand halves and doubles rows whose results are easy to compute.
func TestResizeByHand(t *testing.T) {
	gray := func(values ...uint8) *Image {
		m := newImage(len(values), 1)
		for i, v := range values {
			m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2] = v, v, v
		}
		return m
	}
	// Halving with the triangle: weights 1/8, 3/8, 3/8, 1/8 inside, and 3/7, 3/7,
	// 1/7 at the border.
	got, _ := Resize(gray(0, 80, 160, 240), 2, 1, Bilinear)
	if got.Pix[0] != 57 || got.Pix[3] != 183 {
		t.Errorf("halved: %v", got.Pix)
	}
	// Doubling with the triangle: weights 3/4 and 1/4.
	got, _ = Resize(gray(0, 100), 4, 1, Bilinear)
	if want := []uint8{0, 25, 75, 100}; got.Pix[0] != want[0] || got.Pix[3] != want[1] || got.Pix[6] != want[2] || got.Pix[9] != want[3] {
		t.Errorf("doubled: %v, want %v", got.Pix, want)
	}
	// Doubling with the cubic: a pixel has 0.867 at a distance of 1/4, 0.227 at 3/4,
	// -0.070 at 5/4 and -0.023 at 7/4.
	got, _ = Resize(gray(100, 100, 100, 100, 200, 100, 100, 100), 16, 1, Bicubic)
	for i, want := range []uint8{100, 100, 100, 100, 100, 98, 93, 123, 187, 187, 123, 93, 98, 100, 100, 100} {
		if got.Pix[3*i] != want {
			t.Errorf("doubled with the cubic: pixel %d is %d, want %d", i, got.Pix[3*i], want)
		}
	}
	// What overshoots is clipped, in either pass.
	edge := gray(0, 0, 0, 0, 255, 255, 255, 255)
	got, _ = Resize(edge, 16, 1, Bicubic)
	if got.Pix[3*6] != 0 || got.Pix[3*9] != 255 {
		t.Errorf("a vertical edge overshoots: %v", got.Pix)
	}
	edge.Width, edge.Height = edge.Height, edge.Width
	got, _ = Resize(edge, 1, 16, Bicubic)
	if got.Pix[3*6] != 0 || got.Pix[3*9] != 255 {
		t.Errorf("a horizontal edge overshoots: %v", got.Pix)
	}
}

// TestRegion expects of a part what the whole has there.
func TestRegion(t *testing.T) {
	src := noise(50, 40)
	for _, size := range [][2]int{{30, 22}, {50, 22}, {30, 40}, {120, 90}} {
		whole, err := Resize(src, size[0], size[1], Bicubic)
		if err != nil {
			t.Fatal(err)
		}
		r := region{7, 5, 20, 13}
		part := resizeRegion(src, size[0], size[1], r, Bicubic)
		for y := range r.height {
			if !bytes.Equal(part.row(y), whole.row(r.y + y)[3*r.x:][:3*r.width]) {
				t.Errorf("%v: row %d differs", size, y)
			}
		}
	}
}

// TestCropGeometry has sizes computed by hand: floor(299/0.875) is 341.
func TestCropGeometry(t *testing.T) {
	for _, c := range []struct {
		crop                              float64
		width, height                     int
		resizedWidth, resizedHeight, x, y int
	}{
		{0.875, 500, 375, 454, 341, 78, 21}, // 77.5 to even
		{0.875, 375, 500, 341, 454, 21, 78},
		{0.875, 75, 56, 456, 341, 78, 21}, // 78.5 to even
		{0.875, 56, 75, 341, 456, 21, 78},
		{0.875, 1, 30000, 341, 10230000, 21, 5114850},
		{0.875, 341, 341, 341, 341, 21, 21},
		{0.875, 30000, 1, 10230000, 341, 5114850, 21}, // 5114850.5 to even
		{0.8975, 500, 375, 444, 333, 72, 17},
		{1, 400, 300, 398, 299, 50, 0}, // 49.5 to even
	} {
		w, h, square, err := Preprocessing{Size: 299, Crop: c.crop}.geometry(c.width, c.height)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := (region{c.x, c.y, 299, 299}); w != c.resizedWidth || h != c.resizedHeight || square != want {
			t.Errorf("%d x %d at %g: resized to %d x %d, square %v; want %d x %d, %v", c.width, c.height, c.crop, w, h, square, c.resizedWidth, c.resizedHeight, want)
		}
	}
	for _, c := range []Preprocessing{{Size: 0, Crop: 0.875}, {Size: math.MaxInt, Crop: 0.875}, {Size: 299, Crop: 0}, {Size: 299, Crop: 1.1}, {Size: 299, Crop: math.NaN()}} {
		_, err := c.CentralCrop(noise(10, 10))
		wanted.Error(t, err, "size", "crop", fmt.Sprint(c.Size))
	}
	crop := Preprocessing{Size: 299, Crop: 0.875}
	_, _, _, err := crop.geometry(1, 1<<23)
	wanted.Error(t, err, "1 x 8388608", "longer side")
	_, err = crop.CentralCrop(&Image{Width: 2, Height: 2, Pix: make([]uint8, 11)})
	wanted.Error(t, err, "2 x 2", "11 bytes")
	crop.Interpolation = 7
	_, err = crop.CentralCrop(noise(10, 10))
	wanted.Error(t, err, "Interpolation(7)")
}

// TestCropOfAStrip must not make the whole resized strip.
func TestCropOfAStrip(t *testing.T) {
	for _, strip := range []*Image{noise(30000, 1), noise(1, 30000)} {
		m, err := Preprocessing{Size: 299, Crop: 0.875}.CentralCrop(strip)
		if err != nil || m.Width != 299 || m.Height != 299 {
			t.Fatal(m, err)
		}
	}
}

func TestNormalize(t *testing.T) {
	m := &Image{Width: 2, Height: 1, Pix: []uint8{0, 255, 51, 255, 0, 102}}
	dst := make([]float32, 6)
	if err := Normalize(dst, m, [3]float32{0.5, 0.5, 0.2}, [3]float32{0.5, 0.25, 0.1}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-1, 2, 0, 1, -2, 2} {
		if math.Abs(float64(dst[i])-want) > 1e-6 {
			t.Errorf("value %d is %g, want %g", i, dst[i], want)
		}
	}
	wanted.Error(t, Normalize(dst[:5], m, [3]float32{}, [3]float32{1, 1, 1}), "2 x 1", "5", "6")
	wanted.Error(t, Normalize(dst, m, [3]float32{}, [3]float32{1, 0, 1}), "channel 1", "standard deviation 0")
}

func TestParseInterpolation(t *testing.T) {
	for _, i := range []Interpolation{Bicubic, Bilinear, Nearest, Box, Hamming, Lanczos} {
		if got, err := ParseInterpolation(i.String()); got != i || err != nil {
			t.Error(got, err)
		}
	}
	_, err := ParseInterpolation("random")
	wanted.Error(t, err, `"random"`, `"bicubic"`, `"bilinear"`)
}

// TestResizeAsPillow compares each interpolation with Pillow (testdata/interpolations.py),
// byte for byte.
func TestResizeAsPillow(t *testing.T) {
	data, err := os.ReadFile("testdata/interpolations.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		From, To      [2]int
		Interpolation Interpolation
		Pixels        string
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		m := newImage(c.From[0], c.From[1])
		for y := range m.Height {
			for x := range m.Width {
				for ch := range 3 {
					m.row(y)[3*x+ch] = uint8((x*37 + y*101 + ch*59) ^ (x * y * (ch + 1)))
				}
			}
		}
		got, err := Resize(m, c.To[0], c.To[1], c.Interpolation)
		if err != nil {
			t.Fatal(err)
		}
		if text := hex.EncodeToString(got.Pix); text != c.Pixels {
			t.Errorf("%v from %v to %v differs from Pillow:\n%s\n%s", c.Interpolation, c.From, c.To, text, c.Pixels)
		}
	}
	if len(all) < 6*6 {
		t.Errorf("%d cases", len(all))
	}
}
