package predict

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Classifier turns photographs into ranked classes. It is safe for use by
// several goroutines.
type Classifier struct {
	network       *arch.Network
	preprocessing vision.Preprocessing
	labels        []recipe.Label // nil where the classes have no names
	card          recipe.Checkpoint
	batch         int
	programs      *programs
}

// Network returns the classifier's network.
func (c *Classifier) Network() *arch.Network { return c.network }

// Preprocessing returns what is done to photographs.
func (c *Classifier) Preprocessing() vision.Preprocessing { return c.preprocessing }

// Labels returns the classes in index order; nil where they have no names.
func (c *Classifier) Labels() []recipe.Label { return c.labels }

// Card returns the card of the public checkpoint that the weights are, where Config.Card or
// the file says so; its Tag is empty otherwise.
func (c *Classifier) Card() recipe.Checkpoint { return c.card }

// Streams is how many batches the backend computes side by side.
func (c *Classifier) Streams() int {
	if b, ok := c.programs.backend.(interface{ Streams() int }); ok {
		return b.Streams()
	}
	return 1
}

// Predict classifies photographs of any sizes and returns one result for each, in
// their order. Full batches run through the network together, the rest one by one,
// so that the network is compiled for two batch sizes at most. The context is
// looked at before each batch. Logits that are not finite are an error that wraps
// score.ErrNotFinite.
func (c *Classifier) Predict(ctx context.Context, images ...*vision.Image) ([]Result, error) {
	if err := c.checkClasses(); err != nil {
		return nil, err
	}
	logits, err := c.valuesOf(ctx, images, c.Logits)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(images))
	for i := range results {
		results[i] = c.result(logits[i])
	}
	return results, nil
}

// checkClasses refuses a network without logits.
func (c *Classifier) checkClasses() error {
	if !c.network.Options().HasClasses() {
		return fmt.Errorf("%s without logits has features, and no classes to tell; Features returns them", c.network.Name())
	}
	return nil
}

func (c *Classifier) result(logits []float32) Result {
	return Result{Logits: logits, labels: c.labels, multilabel: c.network.Options().Multilabel()}
}

// A computation makes values, batch first, of pixels, [batch, size, size, 3].
type computation func(ctx context.Context, pixels []float32) ([]float32, error)

// valuesOf computes values of photographs, those of each apart. What is not finite is an error.
func (c *Classifier) valuesOf(ctx context.Context, images []*vision.Image, compute computation) ([][]float32, error) {
	all, err := c.inBatches(ctx, len(images), compute, func(dst []float32, i int) error {
		return c.preprocessing.Apply(dst, images[i])
	})
	if err != nil {
		return nil, err
	}
	for i, values := range all {
		if !score.Finite(values) {
			return nil, fmt.Errorf("image %d of %d: %w", i+1, len(images), score.ErrNotFinite)
		}
	}
	return all, nil
}

// inBatches computes values of n images, whose pixels write gives, and returns those of each.
func (c *Classifier) inBatches(ctx context.Context, n int, compute computation, write func(dst []float32, i int) error) ([][]float32, error) {
	all := make([][]float32, 0, n)
	pixelValues := c.preprocessing.Size * c.preprocessing.Size * 3
	for at := 0; at < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := 1
		if n-at >= c.batch {
			batch = c.batch
		}
		pixels := make([]float32, batch*pixelValues)
		for i := range batch {
			if err := write(pixels[i*pixelValues:][:pixelValues], at+i); err != nil {
				return nil, err
			}
		}
		values, err := compute(ctx, pixels)
		if err != nil {
			return nil, err
		}
		size := len(values) / batch
		for i := range batch {
			all = append(all, values[i*size:][:size:size])
		}
		at += batch
	}
	return all, nil
}

// Logits returns the logits, [batch, classes], of images that have gone through the
// preprocessing: pixels is [batch, size, size, 3] for any batch. The network is compiled
// once for each batch, and the program kept until Close, which takes memory. The context is
// looked at before the network runs.
func (c *Classifier) Logits(ctx context.Context, pixels []float32) ([]float32, error) {
	return c.programs.run(ctx, toLogits{}, pixels, nil)
}

// EndPoint returns the values of the stage of the given name (arch.Outputs), batch first,
// of images as Logits takes them. The network is compiled up to there, once for each name
// and batch.
func (c *Classifier) EndPoint(ctx context.Context, name string, pixels []float32) ([]float32, error) {
	if name == "" {
		return nil, errors.New("the end point has no name; PreLogits is that of the features")
	}
	return c.programs.run(ctx, toEndPoint{name}, pixels, nil)
}

// Close releases the compiled programs. Calls of the Classifier's methods that are under
// way may fail, and those that follow do.
func (c *Classifier) Close() { c.programs.close() }
