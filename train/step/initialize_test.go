package step

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
)

func TestInitialValues(t *testing.T) {
	values := func(seed uint64, name string, shape ...int) []float32 {
		p := arch.Parameter{Name: name, Shape: shape}
		v := make([]float32, p.Size())
		InitialValues(v, p, seed)
		return v
	}
	deviation := func(v []float32) (mean, deviation, largest float64) {
		var sum, squares float64
		for _, x := range v {
			sum, squares = sum+float64(x), squares+float64(x)*float64(x)
			largest = max(largest, math.Abs(float64(x)))
		}
		n := float64(len(v))
		return sum / n, math.Sqrt(squares / n), largest
	}
	// 3*3*64 inputs: variance 2/576, cut off at two deviations of the distribution before.
	const limit = 2 * 0.0671855 // sqrt(2.6/576)
	mean, d, largest := deviation(values(1, "Net/Conv/weights", 3, 3, 64, 256))
	if math.Abs(mean) > 1e-3 || math.Abs(d-0.0589256) > 6e-4 || largest > limit || largest < 0.99*limit {
		t.Errorf("weights of a convolution have the mean %g, the deviation %g, the largest value %g; want 0, 0.0589, just below %g", mean, d, largest, limit)
	}
	// Uniform up to sqrt(6/(1000+500)) has a deviation of a sqrt(3)th of that.
	mean, d, largest = deviation(values(1, "Net/Logits/weights", 1000, 500))
	if math.Abs(mean) > 1e-3 || math.Abs(d-0.0365148) > 4e-4 || largest > 0.0632456 || largest < 0.063 {
		t.Errorf("weights of logits have the mean %g, the deviation %g, the largest value %g; want 0, 0.0365, just below 0.0632", mean, d, largest)
	}
	for name, want := range map[string]float32{"gamma": 1, "moving_variance": 1, "beta": 0, "moving_mean": 0, "biases": 0} {
		if got := values(1, "Net/"+name, 4); !slices.Equal(got, slices.Repeat([]float32{want}, 4)) {
			t.Errorf("%s begins as %v, want %g", name, got, want)
		}
	}
	a, b := values(1, "Net/a/weights", 3, 3, 8, 8), values(1, "Net/a/weights", 3, 3, 8, 8)
	if !slices.Equal(a, b) {
		t.Error("the same seed and name give other values")
	}
	if slices.Equal(a, values(2, "Net/a/weights", 3, 3, 8, 8)) || slices.Equal(a, values(1, "Net/b/weights", 3, 3, 8, 8)) {
		t.Error("another seed or name gives the same values")
	}
}
