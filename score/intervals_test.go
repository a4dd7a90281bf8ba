package score

import (
	"math"
	"testing"
)

// TestWilson compares with SciPy 1.10, scipy.stats.binomtest(...).proportion_ci
// (method="wilson").
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		count, images int
		low, high     float64
	}{
		{10, 100, 0.05522913706067508, 0.17436566150491345},
		{0, 10, 0, 0.27753279986288926},
		{10, 10, 0.7224672001371109, 1},
		{1, 3, 0.06149194472039626, 0.7923403991979523},
		{497, 10000, 0.045610742731171314, 0.05413508620146003},
		{5000, 50000, 0.0974010831426762, 0.10266037547663981},
		{0, 0, 0, 1},
	} {
		e := ErrorsOf(c.count, c.images)
		if math.Abs(e.Low-c.low) > 1e-12 || math.Abs(e.High-c.high) > 1e-12 {
			t.Errorf("%d of %d: %g to %g, want %g to %g", c.count, c.images, e.Low, e.High, c.low, c.high)
		}
	}
}

// TestEstimate compares with SciPy 1.10, scipy.stats.t.interval.
func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		values          []float64
		mean, low, high float64
	}{
		{[]float64{1, 2, 4.5}, 2.5, -1.9783429476832186, 6.978342947683219},
		{[]float64{0.1, -0.2, 0.05, 0.3, 0.12}, 0.074, -0.14943052769489013, 0.2974305276948901},
		{[]float64{3, 5}, 4, -8.706204736432095, 16.706204736432095},
		{[]float64{3}, 3, math.Inf(-1), math.Inf(1)},
	} {
		e, err := Mean(c.values)
		near := func(a, b float64) bool { return a == b || math.Abs(a-b) < 1e-6 }
		if err != nil || e.N != len(c.values) || !near(e.Mean, c.mean) || !near(e.Low, c.low) || !near(e.High, c.high) {
			t.Errorf("%v: %+v, %v", c.values, e, err)
		}
	}
	if _, err := Mean(nil); err == nil {
		t.Error("no error of no values")
	}
	if _, err := Paired([]float64{1}, nil); err == nil {
		t.Error("no error of values in unequal number")
	}
}
