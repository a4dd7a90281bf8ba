package score

import (
	"errors"
	"math"
)

// Softmax returns the shares of a photograph's classes, in [0,1], one for each logit, in
// dst where it has room. Logits that are not finite give no numbers: see [Finite].
func Softmax(dst []float64, logits []float32) []float64 {
	// Relative to the largest logit no exponential overflows.
	largest := largestOf(logits)
	dst = dst[:0]
	var total float64
	for _, logit := range logits {
		v := math.Exp(float64(logit) - largest)
		total += v
		dst = append(dst, v)
	}
	for i := range dst {
		dst[i] /= total
	}
	return dst
}

// Sigmoid returns the logistic function of each logit, in [0,1], in dst where it has room:
// the probability of each class by itself.
func Sigmoid(dst []float64, logits []float32) []float64 {
	dst = dst[:0]
	for _, logit := range logits {
		dst = append(dst, 1/(1+math.Exp(-float64(logit))))
	}
	return dst
}

// CrossEntropy is minus the natural logarithm of the label's softmax.
func CrossEntropy(logits []float32, label int) float64 {
	largest := largestOf(logits)
	var total float64
	for _, logit := range logits {
		total += math.Exp(float64(logit) - largest)
	}
	return largest + math.Log(total) - float64(logits[label])
}

// ErrNotFinite says that a network's logits are not finite numbers, as those of a network
// that diverged in training, or whose numbers are too large for its precision.
var ErrNotFinite = errors.New("the logits are not finite numbers; the network may have diverged in training, or need a higher precision")

// Finite reports whether no logit is infinite or not a number.
func Finite(logits []float32) bool {
	for _, logit := range logits {
		if v := float64(logit); math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// largestOf is not a number where a logit is not.
func largestOf(logits []float32) float64 {
	largest := math.Inf(-1)
	for _, logit := range logits {
		largest = max(largest, float64(logit))
	}
	return largest
}
