package score

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
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
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975)
	half := t * math.Sqrt(squares/(n-1)/n)
	e.Low, e.High = e.Mean-half, e.Mean+half
	return e, nil
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
