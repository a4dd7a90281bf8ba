package vision

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestColourGolden compares with the tables of TensorFlow's own tests
// (tensorflow/python/ops/image_ops_test.py), in levels of 255.
func TestColourGolden(t *testing.T) {
	pixels := []float32{0, 5, 13, 54, 135, 226, 37, 8, 234, 90, 255, 1}
	for name, c := range map[string]struct {
		change  func([]float32)
		want    []float64
		rounded bool
	}{
		"hue by -0.25":   {func(p []float32) { turnHue(p, -0.25) }, []float64{0, 13, 1, 54, 226, 59, 8, 234, 150, 255, 39, 1}, true},
		"hue by 0.25":    {func(p []float32) { turnHue(p, 0.25) }, []float64{13, 0, 11, 226, 54, 221, 234, 8, 92, 1, 217, 255}, true},
		"saturation 0.5": {func(p []float32) { saturate(p, 0.5) }, []float64{6, 9, 13, 140, 180, 226, 135, 121, 234, 172, 255, 128}, true},
		"saturation 2":   {func(p []float32) { saturate(p, 2) }, []float64{0, 5, 13, 0, 106, 226, 30, 0, 234, 89, 255, 0}, true},
		"contrast 2":     {func(p []float32) { changeContrast(p, 2) }, []float64{-45.25, -90.75, -92.5, 62.75, 169.25, 333.5, 28.75, -84.75, 349.5, 134.75, 409.25, -116.5}, false},
	} {
		got := make([]float32, len(pixels))
		for i, v := range pixels {
			got[i] = v / 255
		}
		c.change(got)
		tolerance := 1e-3
		if c.rounded {
			tolerance = 0.5 + 1e-3
		}
		for i, v := range got {
			if d := math.Abs(float64(v)*255 - c.want[i]); !(d <= tolerance) {
				t.Errorf("%s: value %d is %g, want %g", name, i, v*255, c.want[i])
			}
		}
	}
}

// toHSV and fromHSV are the textbook's, with hue in turns and no saturation in
// pixels that are not above zero.
func toHSV(r, g, b float64) (h, s, v float64) {
	v = max(r, g, b)
	c := v - min(r, g, b)
	if v > 0 {
		s = c / v
	}
	switch {
	case c == 0:
	case v == r:
		h = math.Mod((g-b)/c+6, 6)
	case v == g:
		h = (b-r)/c + 2
	default:
		h = (r-g)/c + 4
	}
	return h / 6, s, v
}

func fromHSV(h, s, v float64) [3]float64 {
	var out [3]float64
	for i, n := range []float64{5, 3, 1} {
		k := math.Mod(n+6*h, 6)
		out[i] = v - v*s*max(0, min(k, 4-k, 1))
	}
	return out
}

// TestColourByDefinition compares pixels, among them grey ones and those beyond
// [0,1] that brightness and contrast leave, with HSV in float64.
func TestColourByDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for i := range 20000 {
		var p [3]float32
		for c := range p {
			p[c] = random.Float32()*1.4 - 0.2
			if i%5 == 0 {
				p[c] = float32(random.IntN(3)) - 1
			}
		}
		r, g, b := float64(p[0]), float64(p[1]), float64(p[2])
		h, s, v := toHSV(r, g, b)
		factor := random.Float64() + 0.5
		got := p
		saturate(got[:], float32(factor))
		want := fromHSV(h, min(1, s*factor), v)
		for c := range want {
			if d := math.Abs(float64(got[c]) - want[c]); !(d < 1e-5) {
				t.Fatalf("saturation of %v by %g: %v, want %v", p, factor, got, want)
			}
		}
		// Turning the hue keeps the extremes, so it is that of the pixel lifted above zero.
		low := min(r, g, b)
		h, s, v = toHSV(r-low, g-low, b-low)
		delta := random.Float64()*0.4 - 0.2
		got = p
		turnHue(got[:], float32(delta))
		want = fromHSV(math.Mod(h+delta+1, 1), s, v)
		for c := range want {
			if d := math.Abs(float64(got[c]) - low - want[c]); !(d < 1e-5) {
				t.Fatalf("hue of %v by %g: %v, want %v and %g", p, delta, got, want, low)
			}
		}
	}
}

// TestColourOrders follows the draws, and applies the changes in the order that the
// released code lists for each.
func TestColourOrders(t *testing.T) {
	start := make([]float32, 3*50)
	filling := rand.New(rand.NewPCG(7, 8))
	for i := range start {
		start[i] = filling.Float32()
	}
	orders := map[bool][4]string{
		false: {"bshc", "sbch", "chbs", "hscb"},
		true:  {"bs", "sb", "sb", "sb"},
	}
	for fast, orders := range orders {
		met := map[int]bool{}
		for seed := range uint64(40) {
			got := append([]float32(nil), start...)
			distortColour(got, fast, rand.New(rand.NewPCG(seed, 0)))
			draws := rand.New(rand.NewPCG(seed, 0))
			between := func(low, high float64) float32 { return float32(low + draws.Float64()*(high-low)) }
			order := draws.IntN(4)
			met[order] = true
			want := append([]float32(nil), start...)
			for _, change := range orders[order] {
				switch change {
				case 'b':
					brighten(want, between(-32.0/255, 32.0/255))
				case 's':
					saturate(want, between(0.5, 1.5))
				case 'h':
					turnHue(want, between(-0.2, 0.2))
				case 'c':
					changeContrast(want, between(0.5, 1.5))
				}
			}
			for i := range want {
				if w := min(max(want[i], 0), 1); got[i] != w {
					t.Fatalf("fast %t, order %d: value %d is %g, want %g", fast, order, i, got[i], w)
				}
			}
		}
		if len(met) != 4 {
			t.Errorf("fast %t: only the orders %v were drawn", fast, met)
		}
	}
}
