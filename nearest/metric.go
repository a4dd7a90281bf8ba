package nearest

import (
	"fmt"
	"math"
	"strings"
)

// A Metric says how near two vectors are.
type Metric string

const (
	// Cosine is the cosine of the angle between vectors, in [-1,1], the larger the nearer; 0 for
	// one that is all zero.
	Cosine Metric = "cosine"
	// Euclidean is the length of the difference, the smaller the nearer.
	Euclidean Metric = "euclidean"
)

// Metrics lists the names of all.
func Metrics() []string { return []string{string(Cosine), string(Euclidean)} }

// ParseMetric returns the metric of a name.
func ParseMetric(name string) (Metric, error) {
	for _, known := range Metrics() {
		if name == known {
			return Metric(name), nil
		}
	}
	return "", fmt.Errorf("expected %s, found %q", strings.Join(Metrics(), " or "), name)
}

// nearer compares two values of the metric: it is negative where the first is nearer.
func (m Metric) nearer(a, b float64) int {
	if m == Cosine {
		a, b = -a, -b
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// exact is the metric in float64.
func (m Metric) exact(a, b []float32) float64 {
	var dot, squaresA, squaresB, squares float64
	for i, x := range a {
		x, y := float64(x), float64(b[i])
		dot += x * y
		squaresA += x * x
		squaresB += y * y
		squares += (x - y) * (x - y)
	}
	if m == Euclidean {
		return math.Sqrt(squares)
	}
	if squaresA == 0 || squaresB == 0 {
		return 0
	}
	return max(-1, min(1, dot/math.Sqrt(squaresA*squaresB)))
}

// rank returns how the order of vectors follows from their inner product with a query: the one
// with the largest scale*product + shift is nearest.
func (m Metric) rank(length float64) (scale, shift float64) {
	switch {
	case m == Euclidean:
		return 1, -length * length / 2
	case length == 0:
		return 0, 0
	}
	return 1 / length, 0
}
