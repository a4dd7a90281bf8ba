package train

import "math"

// An Accuracy is how well a network does on some images.
type Accuracy struct {
	Images int `json:"images"`
	// Top1 and Top5 are the shares of images whose class is the first, or among the
	// first five, of the network's.
	Top1 float64 `json:"top1"`
	Top5 float64 `json:"top5"`
	// Loss is the mean cross-entropy, without label smoothing.
	Loss float64 `json:"loss"`
}

// rank returns how many classes come before the label in the order of their logits; of
// equal ones the smaller index comes first. A logit that is not a number comes before
// all.
func rank(logits []float32, label int) int {
	own := logits[label]
	before := 0
	for i, v := range logits {
		if !(v < own || v == own && i >= label) {
			before++
		}
	}
	return before
}

// crossEntropyOf is minus the logarithm of the label's softmax.
func crossEntropyOf(logits []float32, label int) float64 {
	largest := math.Inf(-1)
	for _, v := range logits {
		largest = math.Max(largest, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	return largest + math.Log(sum) - float64(logits[label])
}

// hits counts the images of a batch whose label is the first, and among the first five.
func hits(logits []float32, labels []int32) (top1, top5 int) {
	classes := len(logits) / len(labels)
	for i, label := range labels {
		r := rank(logits[i*classes:][:classes], int(label))
		if r < 1 {
			top1++
		}
		if r < 5 {
			top5++
		}
	}
	return top1, top5
}
