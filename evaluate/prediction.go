package evaluate

import "math"

// A Prediction is what an evaluation says of one image.
type Prediction struct {
	// Index is the image's place in the set.
	Index int
	// Top are the most probable classes, the first five or as many as there are: of each
	// member, then of the ensemble where there are several.
	Top [][]Class
}

// A Class is one label with its probability: the mean of the softmax over crops, and
// over the members of an ensemble.
type Class struct {
	Label       int
	Probability float64
}

// Best returns the labels of the most probable classes of each image, the first first, by
// the last row: five, or as many as there are. Images without a prediction are left out.
func (r *Report) Best() [][]int {
	best := make([][]int, len(r.Predictions))
	for i, p := range r.Predictions {
		for _, c := range p.Top[len(p.Top)-1] {
			best[i] = append(best[i], c.Label)
		}
	}
	return best
}

// five is how many classes count for the top-5 error.
const five = 5

// addSoftmax adds count times the softmax of logits to sums, at the labels of order. It
// reports whether all logits are finite.
func (e *evaluation) addSoftmax(sums []float64, logits []float32, order []int, count float64) bool {
	// Relative to the largest logit no exponential overflows.
	largest := math.Inf(-1)
	for _, logit := range logits {
		v := float64(logit)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
		largest = max(largest, v)
	}
	e.scratch = e.scratch[:0]
	var total float64
	for _, logit := range logits {
		v := math.Exp(float64(logit) - largest)
		total += v
		e.scratch = append(e.scratch, v)
	}
	for i, v := range e.scratch {
		sums[order[i]] += count * (v / total)
	}
	return true
}

// top returns the five most probable classes, the first first; of equal ones the lower
// label.
func top(probabilities []float64) []Class {
	classes := make([]Class, 0, five+1)
	for label, p := range probabilities {
		at := len(classes)
		for at > 0 && classes[at-1].Probability < p {
			at--
		}
		if at == five {
			continue
		}
		classes = append(classes, Class{})
		copy(classes[at+1:], classes[at:])
		classes[at] = Class{label, p}
		classes = classes[:min(len(classes), five)]
	}
	return classes
}
