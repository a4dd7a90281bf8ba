package explain

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// SmoothGrad is the mean gradient of the logit over copies of the image with normal noise (Smilkov
// et al., arXiv 1706.03825).
type SmoothGrad struct {
	// Samples is how many copies there are; DefaultSamples when zero.
	Samples int
	// Noise is the noise's standard deviation, as a share of the range of the image's values;
	// DefaultNoise when zero.
	Noise float64
	// Seed is what the noise follows from, the same for all images.
	Seed uint64
}

// The defaults of SmoothGrad.
const (
	DefaultSamples = 48
	DefaultNoise   = 0.15
)

func (m SmoothGrad) open(_ context.Context, c *predict.Classifier) (*opened, error) {
	if err := checkGradients(c); err != nil {
		return nil, err
	}
	samples, noise := cmp.Or(m.Samples, DefaultSamples), cmp.Or(m.Noise, DefaultNoise)
	if samples < 1 {
		return nil, fmt.Errorf("there must be at least 1 sample, found %d", samples)
	}
	if !(noise > 0 && noise <= 1) {
		return nil, fmt.Errorf("the noise must be in (0,1], a share of the range of the image's values, found %g", noise)
	}
	size := c.Preprocessing().Size
	compute := func(ctx context.Context, image []float32, class choice) ([]float32, error) {
		values, err := c.Logits(ctx, image)
		if err != nil {
			return nil, err
		}
		deviation := float32(noise) * (slices.Max(image) - slices.Min(image))
		random := rand.New(rand.NewPCG(m.Seed, 0))
		sums := make([]float64, len(image))
		err = addGradients(ctx, c, sums, class(values), samples, func(dst []float32, _ int) {
			for i, v := range image {
				dst[i] = v + deviation*float32(random.NormFloat64())
			}
		})
		if err != nil {
			return nil, err
		}
		for pixel := range slices.Chunk(sums, channels) {
			size := 0.0
			for _, sum := range pixel {
				size += math.Abs(sum) / float64(samples)
			}
			values = append(values, float32(size))
		}
		return values, nil
	}
	return &opened{
		about: Meaning{
			Title: fmt.Sprintf("SmoothGrad, %d samples with noise %g", samples, noise), Source: "Smilkov et al., arXiv 1706.03825",
			Values: "A pixel's value is how much the logit changes with it, for or against the class: the absolute values of its channels' gradients, means over the samples, summed.",
		},
		height: size, width: size, batch: 1, compute: compute,
	}, nil
}
