package explain

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// IntegratedGradients integrates the gradient of the logit on the straight way from a baseline to
// the image (Sundararajan et al., arXiv 1703.01365), by the midpoint rule. But for the error of
// that, the map's sum is the difference of the two logits.
type IntegratedGradients struct {
	// Steps is how many gradients are taken of an image. When zero there are LeastSteps, and
	// three times as many, up to MostSteps, while the sum misses more than MostResidual.
	Steps int
	// From is the baseline; Black when empty.
	From Baseline
}

// The steps of IntegratedGradients that has none of its own.
const (
	LeastSteps = 32
	MostSteps  = 9 * LeastSteps
)

func (m IntegratedGradients) open(ctx context.Context, c *predict.Classifier) (*opened, error) {
	if err := checkGradients(c); err != nil {
		return nil, err
	}
	if m.Steps < 0 {
		return nil, fmt.Errorf("there must be at least 1 step, found %d", m.Steps)
	}
	first, most, from := m.Steps, m.Steps, cmp.Or(m.From, Black)
	title := fmt.Sprintf("Integrated gradients from %s", from)
	if m.Steps == 0 {
		first, most = LeastSteps, MostSteps
	} else {
		title += fmt.Sprintf(", steps: %d", m.Steps)
	}
	size, colour := c.Preprocessing().Size, from.values(c)
	baseline := make([]float32, imageValues(c))
	for i := range baseline {
		baseline[i] = colour[i%channels]
	}
	empty, err := c.Logits(ctx, baseline)
	if err != nil {
		return nil, err
	}
	parts := func(logit float64, class int, m Map) Parts {
		sum, start := m.Sum(), float64(empty[class])
		return Parts{{"sum of the map", sum}, {fmt.Sprintf("logit of a %s image", from), start}, {leftOver, logit - start - sum}}
	}
	compute := func(ctx context.Context, image []float32, chosen choice) ([]float32, error) {
		logits, err := c.Logits(ctx, image)
		if err != nil {
			return nil, err
		}
		class := chosen(logits)
		sums, values := make([]float64, len(image)), make([]float32, size*size)
		for steps := first; ; steps *= 3 {
			// Of three times the steps one in three has been taken.
			taken := []int(nil)
			for step := range steps {
				if steps == first || step%3 != 1 {
					taken = append(taken, step)
				}
			}
			err := addGradients(ctx, c, sums, class, len(taken), func(dst []float32, i int) {
				share := (float32(taken[i]) + 0.5) / float32(steps)
				for i, from := range baseline {
					dst[i] = from + share*(image[i]-from)
				}
			})
			if err != nil {
				return nil, err
			}
			for pixel := range values {
				sum := 0.0
				for i := pixel * channels; i < (pixel+1)*channels; i++ {
					sum += sums[i] / float64(steps) * (float64(image[i]) - float64(baseline[i]))
				}
				values[pixel] = float32(sum)
			}
			if 3*steps > most || !parts(float64(logits[class]), class, Map{Values: values}).Incomplete() {
				return append(logits, values...), nil
			}
		}
	}
	return &opened{
		about: Meaning{
			Title: title, Source: "Sundararajan et al., arXiv 1703.01365",
			Values: fmt.Sprintf("A pixel's value is what it adds to the logit on the way from a %s image: their sum is the difference of the two logits, but for what the steps leave over.", from),
			Signed: true,
		},
		height: size, width: size, batch: 1, compute: compute, parts: parts,
	}, nil
}

// leftOver is the Part of a logit that a method's error is.
const leftOver = "left over"

// Residual is the share of a logit's difference from its baseline's that the map's sum misses;
// 0 for Parts without an error.
func (p Parts) Residual() float64 {
	last := len(p) - 1
	if last < 1 || p[last].Name != leftOver {
		return 0
	}
	return math.Abs(p[last].Value / (p[0].Value + p[last].Value))
}

// MostResidual is the largest Residual of maps that are taken for complete.
const MostResidual = 0.01

// Incomplete reports whether the Residual is larger than that.
func (p Parts) Incomplete() bool { return p.Residual() > MostResidual }
