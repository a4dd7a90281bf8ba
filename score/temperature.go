package score

import (
	"errors"
	"math"
)

// The reasons why no temperature fits best: the mean negative log-likelihood of these images
// falls without end towards the temperature 0, or towards an infinite one.
var (
	ErrAllRight = errors.New("the class of every image is the most probable one, so that a lower temperature always fits better")
	ErrByChance = errors.New("the probabilities fit the images no better than equal ones do, so that a higher temperature always fits better")
)

// FitTemperature returns the temperature, which logits are divided by, whose probabilities
// fit images and their labels best: those with the least mean negative log-likelihood (Guo et
// al. 2017, section 4.2). Logarithms of probabilities are logits, too. It changes no order of
// classes. Where there is none the error is ErrAllRight or ErrByChance.
func FitTemperature(logits [][]float32, labels []int) (float64, error) {
	if len(logits) == 0 {
		return 0, errors.New("expected at least one image to fit a temperature to, found none")
	}
	// In the factor 1/temperature the likelihood's logarithm is concave: its slope, the mean of
	// the expected logit less the label's, rises from chance's, where the factor is 0.
	var shares []float64
	slope := func(factor float64) (slope, curvature float64) {
		for i, own := range logits {
			shares, _ = tempered(shares, own, labels[i], factor)
			var mean, square float64
			for class, p := range shares {
				d := float64(own[class]) - float64(own[labels[i]])
				mean += p * d
				square += p * d * d
			}
			slope += mean
			curvature += square - mean*mean
		}
		return slope, curvature
	}
	if at, _ := slope(0); at >= 0 {
		return 0, ErrByChance
	}
	const sharpest = 1 << 20
	low, high := 0.0, 1.0
	for at, _ := slope(high); at <= 0; at, _ = slope(high) {
		low, high = high, 2*high
		if high > sharpest {
			return 0, ErrAllRight
		}
	}
	// Newton's method, which bisects where it would leave what the root is known to be in.
	const most, precise = 200, 1e-12
	factor := (low + high) / 2
	for range most {
		at, curvature := slope(factor)
		if at > 0 {
			high = factor
		} else {
			low = factor
		}
		next := factor - at/curvature
		if math.Abs(next-factor) <= precise*factor {
			break
		}
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		factor = next
	}
	return 1 / factor, nil
}
