package vision

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestAlphaNames expects what files of weights and recipes have.
func TestAlphaNames(t *testing.T) {
	p := scaled(299)
	p.Alpha = AlphaDrop
	text, err := json.Marshal(p)
	if err != nil || !bytes.Contains(text, []byte(`"alpha":"drop"`)) {
		t.Errorf("%s, %v", text, err)
	}
	var back Preprocessing
	if err := json.Unmarshal(text, &back); err != nil || back != p {
		t.Errorf("%+v, %v, want %+v", back, err, p)
	}
	wanted.Error(t, json.Unmarshal([]byte(`{"alpha":"black"}`), &back), "black", "white", "drop")
	p.Alpha = 3
	wanted.Error(t, p.Check(), "Alpha(3)", "white", "drop")
}

// TestAlphaOfPreparations has a picture of a red that cannot be seen.
func TestAlphaOfPreparations(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for i := 0; i < len(m.Pix); i += 4 {
		copy(m.Pix[i:], []uint8{255, 0, 0, 0})
	}
	m.SetNRGBA(0, 0, color.NRGBA{255, 0, 0, 1}) // not to be taken for a picture without alpha
	file := encode(t, m, encodePNG)
	const side = 4
	at := 3*side*side/2 + 1 // green, in the middle
	preparation := func(a Alpha) map[string]interface {
		Prepare([]float32, []byte, *rand.Rand) error
	} {
		p := scaled(side)
		p.Alpha = a
		return map[string]interface {
			Prepare([]float32, []byte, *rand.Rand) error
		}{"evaluation": p, "padded": PadCrop{Size: side, Alpha: a}, "distorted": Distortion{Size: side, Fast: true, Alpha: a}}
	}
	for a, green := range map[Alpha]bool{0: true, AlphaWhite: true, AlphaDrop: false} {
		for name, p := range preparation(a) {
			dst := make([]float32, 3*side*side)
			if err := p.Prepare(dst, file, rand.New(rand.NewPCG(1, 2))); err != nil {
				t.Fatal(err)
			}
			if got := dst[at] > 0.5; got != green {
				t.Errorf("%s, alpha %q: green is %g", name, a, dst[at])
			}
		}
	}
}
