package step

import (
	"math"
	"testing"
)

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
