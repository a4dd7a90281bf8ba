package train

import (
	"math"
	"testing"
)

func TestRank(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		logits []float32
		label  int
		want   int
	}{
		{[]float32{1, 3, 2}, 1, 0},
		{[]float32{1, 3, 2}, 2, 1},
		{[]float32{1, 3, 2}, 0, 2},
		{[]float32{2, 2, 2}, 0, 0}, // the smaller index comes first
		{[]float32{2, 2, 2}, 2, 2},
		{[]float32{nan, 3, 2}, 1, 1},
		{[]float32{nan, nan, nan}, 0, 3}, // a network that is not a number is never right
	} {
		if got := rank(c.logits, c.label); got != c.want {
			t.Errorf("label %d of %v has rank %d, want %d", c.label, c.logits, got, c.want)
		}
	}
}

func TestHits(t *testing.T) {
	logits := []float32{
		0, 1, 2, 3, 4, 5, 6,
		0, 1, 2, 3, 4, 5, 6,
		0, 1, 2, 3, 4, 5, 6,
	}
	if top1, top5 := hits(logits, []int32{6, 2, 1}); top1 != 1 || top5 != 2 {
		t.Errorf("%d and %d are right, want 1 and 2", top1, top5)
	}
}

func TestCrossEntropyOf(t *testing.T) {
	// Softmax of ln 1, ln 2, ln 5 is 1/8, 2/8, 5/8; a constant does not change it.
	for _, shift := range []float64{0, -1000, 1000} {
		var logits []float32
		for _, v := range []float64{1, 2, 5} {
			logits = append(logits, float32(math.Log(v)+shift))
		}
		if got, want := crossEntropyOf(logits, 1), math.Log(4); math.Abs(got-want) > 1e-4 {
			t.Errorf("shifted by %g: %g, want ln 4 = %g", shift, got, want)
		}
	}
}

// Label smoothing of 0.1 over five classes leaves 0.92 to the label.
func TestTargets(t *testing.T) {
	got := targets([]int32{3, 0}, 5, 0.1)
	want := []float32{0.02, 0.02, 0.02, 0.92, 0.02, 0.92, 0.02, 0.02, 0.02, 0.02}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-7 {
			t.Fatalf("targets are %v, want %v", got, want)
		}
	}
}
