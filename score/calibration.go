package score

import (
	"math"
	"slices"
)

// CalibrationBins is how many bins of equal width the confidences from 0 to 1 are put into,
// as by Guo et al. (2017).
const CalibrationBins = 15

// A Calibration says how far probabilities are shares: whether of the images that a network
// is 80% sure of, 80% are right (Guo et al. 2017, On Calibration of Modern Neural Networks,
// arXiv 1706.04599).
type Calibration struct {
	// Temperature is what the logits were divided by; 1 for probabilities as they are.
	Temperature float64 `json:"temperature"`
	// ECE is the expected calibration error: the mean over images of how far the accuracy of
	// their bin is from its confidence, in [0,1]. MCE is that of the worst bin.
	ECE float64 `json:"ece"`
	MCE float64 `json:"mce"`
	// Brier is the mean over images of the sum over classes of the squared differences of
	// probabilities from 1, for the label, and from 0, in [0,2] (Brier 1950).
	Brier float64 `json:"brier"`
	// NLL is the mean of minus the natural logarithm of the label's probability.
	NLL float64 `json:"nll"`
	// Bins are CalibrationBins, from the least confidence to the largest.
	Bins []Bin `json:"bins"`
}

// A Bin is the images whose confidence, the probability of their most probable class, is
// above Low and not above High.
type Bin struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Images int     `json:"images"`
	// Confidence is the mean, and Accuracy the share of images whose label is the most
	// probable class; both 0 without images.
	Confidence float64 `json:"confidence"`
	Accuracy   float64 `json:"accuracy"`
}

// CalibrationAt is that of images with these logits, which logarithms of probabilities are,
// too, and labels, when the logits are divided by a temperature above 0. Without images it
// is zero but for its bins. Logits that are not finite give no numbers: see [Finite].
func CalibrationAt(temperature float64, logits [][]float32, labels []int) Calibration {
	c := Calibration{Temperature: temperature, Bins: make([]Bin, CalibrationBins)}
	for i := range c.Bins {
		c.Bins[i].Low, c.Bins[i].High = float64(i)/CalibrationBins, float64(i+1)/CalibrationBins
	}
	var shares []float64
	for i, own := range logits {
		label := labels[i]
		var loss float64
		shares, loss = tempered(shares, own, label, 1/temperature)
		c.NLL += loss
		for class, p := range shares {
			if class == label {
				p--
			}
			c.Brier += p * p
		}
		confidence := slices.Max(shares)
		b := &c.Bins[binOf(confidence)]
		b.Images++
		b.Confidence += confidence
		if Rank(own, label) == 0 {
			b.Accuracy++
		}
	}
	n := float64(max(len(logits), 1))
	c.NLL /= n
	c.Brier /= n
	for i := range c.Bins {
		b := &c.Bins[i]
		if b.Images == 0 {
			continue
		}
		b.Confidence /= float64(b.Images)
		b.Accuracy /= float64(b.Images)
		gap := math.Abs(b.Accuracy - b.Confidence)
		c.ECE += gap * float64(b.Images) / n
		c.MCE = max(c.MCE, gap)
	}
	return c
}

// binOf is the place of a confidence's bin.
func binOf(confidence float64) int {
	i := min(int(confidence*CalibrationBins), CalibrationBins-1)
	// The product is rounded, and the upper end belongs to a bin.
	for i > 0 && confidence <= float64(i)/CalibrationBins {
		i--
	}
	for i < CalibrationBins-1 && confidence > float64(i+1)/CalibrationBins {
		i++
	}
	return i
}

// tempered returns the softmax of logits times a factor, in dst where it has room, and minus
// the logarithm of the label's.
func tempered(dst []float64, logits []float32, label int, factor float64) (shares []float64, loss float64) {
	largest := largestOf(logits)
	dst = dst[:0]
	var total float64
	for _, logit := range logits {
		v := math.Exp(factor * (float64(logit) - largest))
		total += v
		dst = append(dst, v)
	}
	for i := range dst {
		dst[i] /= total
	}
	return dst, math.Log(total) - factor*(float64(logits[label])-largest)
}
