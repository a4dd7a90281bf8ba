package score

import (
	"math"
	"testing"
)

// Softmax of ln 1, ln 2, ln 5 is 1/8, 2/8, 5/8; a constant does not change it.
func TestSoftmax(t *testing.T) {
	var shares []float64
	for _, shift := range []float64{0, -1000, 1000} {
		var logits []float32
		for _, v := range []float64{1, 2, 5} {
			logits = append(logits, float32(math.Log(v)+shift))
		}
		shares = Softmax(shares, logits)
		for i, want := range []float64{1. / 8, 2. / 8, 5. / 8} {
			if len(shares) != 3 || math.Abs(shares[i]-want) > 1e-4 {
				t.Errorf("shifted by %g: %v, want %g at %d", shift, shares, want, i)
			}
			if got := -math.Log(shares[i]); math.Abs(got-CrossEntropy(logits, i)) > 1e-12*max(1, math.Abs(shift)) {
				t.Errorf("shifted by %g: minus the logarithm is %g, the cross-entropy %g", shift, got, CrossEntropy(logits, i))
			}
		}
	}
}

func TestFinite(t *testing.T) {
	nan, infinite := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		logits []float32
		want   bool
	}{{nil, true}, {[]float32{1, -math.MaxFloat32}, true}, {[]float32{1, nan}, false}, {[]float32{infinite, 1}, false}, {[]float32{1, -infinite}, false}} {
		if got := Finite(c.logits); got != c.want {
			t.Errorf("%v: %t", c.logits, got)
		}
	}
	if shares := Softmax(nil, []float32{1, nan, 2}); !math.IsNaN(shares[0]) || !math.IsNaN(shares[1]) {
		t.Errorf("the softmax of what is not a number is %v", shares)
	}
}
