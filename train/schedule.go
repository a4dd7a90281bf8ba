package train

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// learningRate returns the rate at a time in epochs from the start.
func learningRate(r recipe.LearningRate, epoch, epochs float64) float64 {
	rate := r.Initial
	switch {
	case r.Staircase != nil:
		rate *= math.Pow(r.Staircase.Factor, math.Floor(epoch/r.Staircase.Epochs))
	case r.Cosine:
		rate *= (1 + math.Cos(math.Pi*min(epoch/epochs, 1))) / 2
	}
	if epoch < r.WarmUp {
		rate *= epoch / r.WarmUp
	}
	return rate
}

// averageDecay returns the decay of the averages at a step, from 0: small at first, so
// that the initial values are soon forgotten (tf.train.ExponentialMovingAverage with
// num_updates).
func averageDecay(decay float64, step int) float64 {
	n := float64(step)
	return min(decay, (1+n)/(10+n))
}
