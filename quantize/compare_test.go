package quantize_test

import (
	"math"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/quantize"
)

// logits are those of the given probabilities.
func logits(probabilities ...float64) []float32 {
	var all []float32
	for _, p := range probabilities {
		all = append(all, float32(math.Log(p)))
	}
	return all
}

// TestCompare compares logits with probabilities that are known.
func TestCompare(t *testing.T) {
	original := &quantize.Outputs{
		Logits:  [][]float32{logits(0.5, 0.25, 0.25), logits(0.125, 0.25, 0.625), logits(0.5, 0.25, 0.25), logits(0.5, 0.25, 0.25)},
		Classes: []int{0, 1, -1, 1},
	}
	quantized := &quantize.Outputs{
		Logits:  [][]float32{logits(0.25, 0.5, 0.25), logits(0.25, 0.625, 0.125), logits(0.5, 0.25, 0.25), logits(0.5, 0.25, 0.25)},
		Classes: []int{0, 1, -1, 1},
	}
	c, err := quantize.Compare(original, quantized)
	if err != nil {
		t.Fatal(err)
	}
	first := 0.25 * math.Log(2)
	second := 0.125*math.Log(0.5) + 0.25*math.Log(0.4) + 0.625*math.Log(5)
	for _, v := range []struct {
		name        string
		found, want float64
	}{
		{"images", float64(c.Images), 4},
		{"agreement", c.Agreement, 0.5},
		{"mean divergence", c.KL, (first + second) / 4},
		{"greatest divergence", c.MostKL, second},
		{"lost", c.Lost, (0.25 + 0.375) / 4},
		// Student's t is 3.182446 for three degrees of freedom.
		{"lost at most", c.LostHigh, 0.15625 + 3.182446/2*math.Sqrt((0.25*0.25+0.375*0.375-4*0.15625*0.15625)/3)},
		{"images with a class", float64(c.Float32.Images), 3},
		{"errors in float32", float64(c.Float32.Count), 2},
		{"errors in int8", float64(c.Int8.Count), 2},
	} {
		if !(math.Abs(v.found-v.want) < 1e-6) {
			t.Errorf("%s: found %g, want %g", v.name, v.found, v.want)
		}
	}

	original.Classes = []int{-1, -1, -1, -1}
	if c, err = quantize.Compare(original, quantized); err != nil || c.Float32 != nil || c.Int8 != nil {
		t.Errorf("without classes: %+v, %v", c, err)
	}
	one := &quantize.Outputs{Logits: original.Logits[:1], Classes: original.Classes[:1]}
	if c, err = quantize.Compare(one, one); err != nil || c.LostHigh != 1 {
		t.Errorf("of one photograph: %+v, %v", c, err)
	}
	_, err = quantize.Compare(&quantize.Outputs{}, &quantize.Outputs{})
	wanted.Error(t, err, "expected photographs, found none")
	quantized.Logits = quantized.Logits[:3]
	_, err = quantize.Compare(original, quantized)
	wanted.Error(t, err, "same 4 photographs, found those of 3")
}
