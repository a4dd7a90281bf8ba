package score

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// An Estimate is the mean of independent values with its 95% interval, that of Student's
// t distribution. One value has no interval: it is everything.
type Estimate struct {
	N               int
	Mean, Low, High float64
}

// Mean estimates the mean of the distribution that independent values are of.
func Mean(values []float64) (Estimate, error) {
	n := float64(len(values))
	if n == 0 {
		return Estimate{}, errors.New("expected at least one value to take the mean of, found none")
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	e := Estimate{N: len(values), Mean: sum / n, Low: math.Inf(-1), High: math.Inf(1)}
	if n == 1 {
		return e, nil
	}
	var squares float64
	for _, v := range values {
		squares += (v - e.Mean) * (v - e.Mean)
	}
	half := studentQuantile(n-1) * math.Sqrt(squares/(n-1)/n)
	e.Low, e.High = e.Mean-half, e.Mean+half
	return e, nil
}

// studentQuantile is the 97.5th percentile of Student's t distribution: t^2/(freedom+t^2) is
// beta distributed (Abramowitz and Stegun, 26.7.1).
func studentQuantile(freedom float64) float64 {
	const outside = 0.05
	x := mathext.InvRegIncBeta(freedom/2, 0.5, outside)
	return math.Sqrt(freedom * (1 - x) / x)
}

// Paired is the estimate of the mean of a[i]-b[i].
func Paired(a, b []float64) (Estimate, error) {
	if len(a) != len(b) {
		return Estimate{}, errors.New("paired values differ in number")
	}
	differences := make([]float64, len(a))
	for i := range a {
		differences[i] = a[i] - b[i]
	}
	return Mean(differences)
}
