package weights

import (
	"math"
	"testing"

	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestTransformInput compares a preprocessing with that and torchvision's transform_input,
// one after the other.
func TestTransformInput(t *testing.T) {
	for _, p := range []vision.Preprocessing{
		{Mean: recipe.ImageNetMean, Std: recipe.ImageNetStd},
		{Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}},
		{Std: [3]float32{1, 1, 1}},
		{Mean: [3]float32{0.1, 0.2, 0.3}, Std: [3]float32{0.4, 1, 1. / 255}},
	} {
		both := p
		transformInput(&both)
		for i, mean := range []float64{0.485, 0.456, 0.406} {
			deviation := []float64{0.229, 0.224, 0.225}[i]
			for _, x := range []float64{0, 0.3, 1} {
				want := (x - float64(p.Mean[i])) / float64(p.Std[i])
				want = want*(deviation/0.5) + (mean-0.5)/0.5
				if got := (x - float64(both.Mean[i])) / float64(both.Std[i]); math.Abs(got-want) > 1e-5*max(1, math.Abs(want)) {
					t.Errorf("%v of %g in channel %d: %g, want %g", p, x, i, got, want)
				}
			}
		}
	}
}
