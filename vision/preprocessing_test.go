package vision

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestPreprocessingJSON expects the form that is in files of weights.
func TestPreprocessingJSON(t *testing.T) {
	p := Preprocessing{Size: 299, Crop: 0.875, Interpolation: Bilinear, Mean: [3]float32{0.5, 0.25, 0}, Std: [3]float32{0.5, 1, 2}}
	text := `{"size":299,"crop":0.875,"interpolation":"bilinear","mean":[0.5,0.25,0],"std":[0.5,1,2]}`
	if got, err := json.Marshal(p); err != nil || string(got) != text {
		t.Errorf("%s, %v, want %s", got, err, text)
	}
	var back Preprocessing
	if err := json.Unmarshal([]byte(text), &back); err != nil || back != p {
		t.Errorf("%+v, %v, want %+v", back, err, p)
	}
	// A file that does not name the filter leaves it open.
	for _, text := range []string{`{"interpolation":""}`, `{}`} {
		back = p
		back.Interpolation = 0
		if err := json.Unmarshal([]byte(text), &back); err != nil || back.Interpolation != 0 {
			t.Errorf("%s: %v, %v", text, back.Interpolation, err)
		}
	}
	wanted.Error(t, json.Unmarshal([]byte(`{"interpolation":"random"}`), &back), "random", "bicubic", "bilinear")
	_, err := json.Marshal(Preprocessing{Interpolation: 9})
	wanted.Error(t, err, "Interpolation(9)")
}

func TestPreprocessingCheck(t *testing.T) {
	if err := scaled(299).Check(); err != nil {
		t.Error(err)
	}
	for _, change := range []struct {
		to   func(*Preprocessing)
		want string
	}{
		{func(p *Preprocessing) { p.Size = 0 }, "found 0"},
		{func(p *Preprocessing) { p.Crop = 1.5 }, "(0,1], found 1.5"},
		{func(p *Preprocessing) { p.Interpolation = -1 }, "Interpolation(-1)"},
		{func(p *Preprocessing) { p.Std[1] = 0 }, "channel 1"},
		{func(p *Preprocessing) { p.Std[2] = float32(math.NaN()) }, "channel 2"},
	} {
		p := scaled(299)
		change.to(&p)
		wanted.Error(t, p.Check(), change.want)
	}
	wanted.Error(t, Preprocessing{}.Check(), "size", "crop", "standard deviation") // all that is wrong
}

// TestPreprocessingApply compares with the crop and its normalisation one after the other,
// and with the file's.
func TestPreprocessingApply(t *testing.T) {
	p := scaled(20)
	p.Mean, p.Std = [3]float32{0.1, 0.2, 0.3}, [3]float32{0.4, 0.5, 0.6}
	file := encode(t, colourful(50, 40), encodeJPEG)
	m, err := Decode(file, DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	crop, err := p.CentralCrop(m)
	if err != nil {
		t.Fatal(err)
	}
	want, got, prepared := make([]float32, 20*20*3), make([]float32, 20*20*3), make([]float32, 20*20*3)
	if err := Normalize(want, crop, p.Mean, p.Std); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(got, m); err != nil {
		t.Fatal(err)
	}
	if err := p.Prepare(prepared, file, nil); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] || prepared[i] != want[i] {
			t.Fatalf("value %d is %g and %g, want %g", i, got[i], prepared[i], want[i])
		}
	}
	bicubic := p
	bicubic.Interpolation = Bicubic
	if err := bicubic.Apply(got, m); err != nil || !bytes.Equal(crop.Pix, mustCrop(t, bicubic, m).Pix) {
		t.Errorf("the zero interpolation is not bicubic: %v", err)
	}
	wanted.Error(t, p.Apply(got[:9], m), "9")
}

func mustCrop(t *testing.T, p Preprocessing, m *Image) *Image {
	t.Helper()
	crop, err := p.CentralCrop(m)
	if err != nil {
		t.Fatal(err)
	}
	return crop
}
