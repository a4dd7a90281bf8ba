package vision

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

type preparation interface {
	Side() int
	Prepare(dst []float32, file []byte, random *rand.Rand) error
}

func preparations(side int) []preparation {
	return []preparation{Distortion{Size: side}, Distortion{Size: side, Fast: true}, PadCrop{Size: side}, scaled(side)}
}

// scaled is the central 87.5%, in [-1,1].
func scaled(size int) Preprocessing {
	half := [3]float32{0.5, 0.5, 0.5}
	return Preprocessing{Size: size, Crop: 0.875, Mean: half, Std: half}
}

func prepared(t *testing.T, p preparation, file []byte, seed uint64) []float32 {
	t.Helper()
	dst := make([]float32, 3*p.Side()*p.Side())
	for i := range dst {
		dst[i] = float32(math.NaN()) // what is left unwritten shows
	}
	if err := p.Prepare(dst, file, rand.New(rand.NewPCG(seed, 1))); err != nil {
		t.Fatal(err)
	}
	return dst
}

// TestPrepare expects values in [-1,1] that follow from the file and the source of
// randomness alone, and that training differs from one draw to the next.
func TestPrepare(t *testing.T) {
	const side = 24
	file := encode(t, colourful(40, 30), encodeJPEG)
	for _, p := range preparations(side) {
		name := fmt.Sprintf("%T", p)
		different := map[string]bool{}
		for seed := range uint64(20) {
			a := prepared(t, p, file, seed)
			if b := prepared(t, p, file, seed); !slices.Equal(a, b) {
				t.Errorf("%s: two results of one seed differ", name)
			}
			for i, v := range a {
				if !(v >= -1 && v <= 1) {
					t.Fatalf("%s: value %d is %g", name, i, v)
				}
			}
			different[fmt.Sprint(a)] = true
		}
		if _, fixed := p.(Preprocessing); fixed != (len(different) == 1) || !fixed && len(different) < 12 {
			t.Errorf("%s: %d different results of 20 seeds", name, len(different))
		}
	}
}

// TestDistortionByHand distorts a picture of two halves, of which the crop, the
// mirroring and the colours can be told from a few values: grey has no saturation and
// no hue, so that brightness and contrast alone are left.
func TestDistortionByHand(t *testing.T) {
	const side = 32
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	draw.Draw(m, m.Rect, image.NewUniform(color.Gray{100}), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(0, 0, 32, 64), image.NewUniform(color.Gray{150}), image.Point{}, draw.Src)
	file := encode(t, m, encodePNG)
	mirrored, both := 0, 0
	for seed := range uint64(400) {
		got := prepared(t, Distortion{Size: side}, file, seed)
		first, last := got[0], got[3*(side-1)]
		for i := 0; i < len(got); i += 3 {
			if math.Abs(float64(got[i]-got[i+1])) > 1e-5 || math.Abs(float64(got[i]-got[i+2])) > 1e-5 {
				t.Fatalf("seed %d: grey became %v", seed, got[i:i+3])
			}
		}
		// Up to 32 levels of brightness, and half to one and a half times the
		// distance of 50 levels between the halves.
		if lowest, highest := slices.Min(got), slices.Max(got); lowest < 2*(100-32-25)/255.0-1-1e-5 || highest > 2*(150+32+25)/255.0-1+1e-5 {
			t.Errorf("seed %d: values from %g to %g", seed, lowest, highest)
		}
		if d := math.Abs(float64(first - last)); d > 1e-5 {
			both++
			if d < 2*25/255.0-1e-5 || d > 2*75/255.0+1e-5 {
				t.Errorf("seed %d: the halves are %g apart", seed, d)
			}
			if first < last {
				mirrored++
			}
		}
	}
	if both < 200 || mirrored < both*2/5 || mirrored > both*3/5 {
		t.Errorf("%d of %d pictures of both halves are mirrored, want about half", mirrored, both)
	}
}

// TestShift moves a picture of numbered pixels by hand.
func TestShift(t *testing.T) {
	src := make([]float32, 27)
	for i := range src {
		src[i] = float32(1 + i/3)
	}
	for _, c := range []struct {
		right, down int
		mirrored    bool
		want        [9]float32
	}{
		{0, 0, false, [9]float32{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{0, 0, true, [9]float32{3, 2, 1, 6, 5, 4, 9, 8, 7}},
		{1, 0, false, [9]float32{0, 1, 2, 0, 4, 5, 0, 7, 8}},
		{-1, 1, false, [9]float32{0, 0, 0, 2, 3, 0, 5, 6, 0}},
		{1, -2, true, [9]float32{8, 7, 0, 0, 0, 0, 0, 0, 0}},
	} {
		got := slices.Repeat([]float32{-1}, 27)
		shift(got, src, 3, c.right, c.down, c.mirrored)
		for i, v := range got {
			if v != c.want[i/3] {
				t.Errorf("%+v: %v", c, got)
				break
			}
		}
	}
}

// TestPadCrop finds a bright pixel of a dark 16 x 16 picture in all 5 x 5 places that
// an eighth of it allows, mirrored or not.
func TestPadCrop(t *testing.T) {
	const side = 16
	m := image.NewGray(image.Rect(0, 0, side, side))
	m.SetGray(5, 7, color.Gray{255})
	file := encode(t, m, encodePNG)
	places := map[[2]int]int{}
	for seed := range uint64(600) {
		got := prepared(t, PadCrop{Size: side}, file, seed)
		bright := -1
		for i := 0; i < len(got); i += 3 {
			switch got[i] {
			case 1:
				bright = i / 3
			case -1, 0: // dark, or beyond the picture
			default:
				t.Fatalf("seed %d: value %g", seed, got[i])
			}
		}
		places[[2]int{bright % side, bright / side}]++
	}
	for y := 5; y <= 9; y++ {
		for _, x := range []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 12} { // 5±2 and its mirror image 10±2
			if places[[2]int{x, y}] == 0 {
				t.Errorf("the pixel was never at %d,%d", x, y)
			}
		}
	}
	if len(places) != 50 {
		t.Errorf("%d places, want 50: %v", len(places), places)
	}
}

// TestEvaluationPrepare expects the central crop in [-1,1].
func TestEvaluationPrepare(t *testing.T) {
	file := encode(t, colourful(40, 30), encodeJPEG)
	crop := scaled(20)
	m, err := Decode(file, DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = crop.CentralCrop(m); err != nil {
		t.Fatal(err)
	}
	for i, v := range prepared(t, crop, file, 0) {
		if want := 2*float64(m.Pix[i])/255 - 1; !(math.Abs(float64(v)-want) < 1e-6) {
			t.Fatalf("value %d is %g, want %g", i, v, want)
		}
	}
}

func TestPrepareErrors(t *testing.T) {
	file := encode(t, colourful(40, 30), encodeJPEG)
	random := rand.New(rand.NewPCG(1, 1))
	for _, p := range preparations(8) {
		wanted.Error(t, p.Prepare(make([]float32, 191), file, random), "side of 8", "191 values")
		wanted.Error(t, p.Prepare(make([]float32, 192), []byte("text"), random), "expected JPEG")
		wanted.Error(t, p.Prepare(make([]float32, 192), file[:200], random), "ends too early")
	}
	for _, p := range preparations(0) {
		wanted.Error(t, p.Prepare(nil, file, random), "side of 0")
	}
}
