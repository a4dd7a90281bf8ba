package explain

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// checkGradients refuses classifiers whose logits have no gradients in float32.
func checkGradients(c *predict.Classifier) error {
	if err := c.Network().CheckGradients(); err != nil {
		return fmt.Errorf("%w: give weights that are not quantised and the precision float32, or explain by occlusion, which needs no gradients", err)
	}
	return nil
}

// run runs n images, which write makes, through the network in batches of equal size, the last
// filled up with zeros; use takes what compute makes of each batch, and how many of it count.
func run(ctx context.Context, c *predict.Classifier, n int, write func(dst []float32, i int),
	compute func(pixels []float32) ([]float32, error), use func(values []float32, first, count int)) error {
	batches := (n + c.Batch() - 1) / c.Batch()
	batch, image := (n+batches-1)/batches, imageValues(c)
	pixels := make([]float32, batch*image)
	for first := 0; first < n; first += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		count := min(batch, n-first)
		for i := range count {
			write(pixels[i*image:][:image], first+i)
		}
		clear(pixels[count*image:])
		values, err := compute(pixels)
		if err != nil {
			return err
		}
		use(values, first, count)
	}
	return nil
}

// addGradients adds to sum the gradients of a class's logit with respect to the pixels of n
// images, which write makes.
func addGradients(ctx context.Context, c *predict.Classifier, sum []float64, class, n int, write func(dst []float32, i int)) error {
	image := len(sum)
	return run(ctx, c, n, write, func(pixels []float32) ([]float32, error) {
		return c.Gradient(ctx, pixels, slices.Repeat([]int{class}, len(pixels)/image))
	}, func(gradients []float32, _, count int) {
		for i, g := range gradients[:count*image] {
			sum[i%image] += float64(g)
		}
	})
}

// imageValues is how many values an image has.
func imageValues(c *predict.Classifier) int {
	size := c.Preprocessing().Size
	return size * size * channels
}

const channels = 3
