package train

import (
	"math"
	"testing"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// The values are computed by hand.
func TestLearningRate(t *testing.T) {
	staircase := recipe.LearningRate{Initial: 0.045, Staircase: &recipe.Staircase{Factor: 0.94, Epochs: 2}}
	warm := staircase
	warm.WarmUp = 4
	cosine := recipe.LearningRate{Initial: 0.2, Cosine: true}
	for _, c := range []struct {
		name  string
		rate  recipe.LearningRate
		epoch float64
		want  float64
	}{
		{"begin", staircase, 0, 0.045},
		{"end of a stair", staircase, 1.999, 0.045},
		{"second stair", staircase, 2, 0.0423},
		{"third stair", staircase, 5.5, 0.039762},
		{"hundredth epoch", staircase, 100, 0.00203988},
		{"begin of warm-up", warm, 0, 0},
		{"warm-up before the stair", warm, 1, 0.01125},
		{"warm-up after it", warm, 3, 0.031725},
		{"after warm-up", warm, 4, 0.039762},
		{"constant", recipe.LearningRate{Initial: 0.1}, 7, 0.1},
		{"cosine's begin", cosine, 0, 0.2},
		{"a third", cosine, 10, 0.15},
		{"half", cosine, 15, 0.1},
		{"end", cosine, 30, 0},
		{"beyond", cosine, 30.1, 0},
	} {
		if got := learningRate(c.rate, c.epoch, 30); math.Abs(got-c.want) > 1e-5*c.want+1e-12 {
			t.Errorf("%s: epoch %g has the rate %g, want %g", c.name, c.epoch, got, c.want)
		}
	}
}

func TestAverageDecay(t *testing.T) {
	for _, c := range []struct {
		step int
		want float64
	}{{0, 0.1}, {1, 2.0 / 11}, {8, 0.5}, {90, 0.91}, {89990, 0.9999}, {1 << 30, 0.9999}} {
		if got := averageDecay(0.9999, c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("step %d has the decay %g, want %g", c.step, got, c.want)
		}
	}
	if got := averageDecay(0, 100); got != 0 {
		t.Errorf("without averages the decay is %g", got)
	}
}
