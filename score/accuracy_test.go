package score

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
		if got := Rank(c.logits, c.label); got != c.want {
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
	if top1, top5 := Hits(logits, []int32{6, 2, 1}); top1 != 1 || top5 != 2 {
		t.Errorf("%d and %d are right, want 1 and 2", top1, top5)
	}
}

func TestCrossEntropy(t *testing.T) {
	// Softmax of ln 1, ln 2, ln 5 is 1/8, 2/8, 5/8; a constant does not change it.
	for _, shift := range []float64{0, -1000, 1000} {
		var logits []float32
		for _, v := range []float64{1, 2, 5} {
			logits = append(logits, float32(math.Log(v)+shift))
		}
		if got, want := CrossEntropy(logits, 1), math.Log(4); math.Abs(got-want) > 1e-4 {
			t.Errorf("shifted by %g: %g, want ln 4 = %g", shift, got, want)
		}
	}
}

// TestTally counts two batches as one.
func TestTally(t *testing.T) {
	logits := []float32{
		0, 1, 2, 3, 4, 5, 6,
		0, 1, 2, 3, 4, 5, 6,
		0, 1, 2, 3, 4, 5, 6,
	}
	var tally Tally
	if a := tally.Accuracy(); a != (Accuracy{}) {
		t.Errorf("without images: %+v", a)
	}
	tally.Add(Outcomes(logits[:14], []int32{6, 2})...)
	tally.Add(Outcomes(logits[14:], []int32{1})...)
	loss := (CrossEntropy(logits[:7], 6) + CrossEntropy(logits[:7], 2) + CrossEntropy(logits[:7], 1)) / 3
	if got, want := tally.Accuracy(), (Accuracy{3, 1. / 3, 2. / 3, loss}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
