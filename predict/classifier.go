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
	batch         int
	programs      *programs
}

// Network returns the classifier's network.
func (c *Classifier) Network() *arch.Network { return c.network }

// Preprocessing returns what is done to photographs.
func (c *Classifier) Preprocessing() vision.Preprocessing { return c.preprocessing }

// Labels returns the classes in index order; nil where they have no names.
func (c *Classifier) Labels() []recipe.Label { return c.labels }

// Predict classifies photographs of any sizes and returns one result for each, in
// their order. Full batches run through the network together, the rest one by one,
// so that the network is compiled for two batch sizes at most. The context is
// looked at before each batch. Logits that are not finite are an error that wraps
// score.ErrNotFinite.
func (c *Classifier) Predict(ctx context.Context, images ...*vision.Image) ([]Result, error) {
	results, err := c.classify(ctx, len(images), func(dst []float32, i int) error {
		return c.preprocessing.Apply(dst, images[i])
	})
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		if !score.Finite(r.Logits) {
			return nil, fmt.Errorf("image %d of %d: %w", i+1, len(images), score.ErrNotFinite)
		}
	}
	return results, nil
}

// classify classifies n images, whose pixels write gives, without a look at the logits.
func (c *Classifier) classify(ctx context.Context, n int, write func(dst []float32, i int) error) ([]Result, error) {
	if !c.network.Options().HasClasses() {
		return nil, fmt.Errorf("%s without logits has features, and no classes to tell; Logits returns the features", c.network.Name())
	}
	results := make([]Result, 0, n)
	values, classes := c.preprocessing.Size*c.preprocessing.Size*3, c.network.Options().Classes
	for at := 0; at < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := 1
		if n-at >= c.batch {
			batch = c.batch
		}
		pixels := make([]float32, batch*values)
		for i := range batch {
			if err := write(pixels[i*values:][:values], at+i); err != nil {
				return nil, err
			}
		}
		logits, err := c.Logits(ctx, pixels)
		if err != nil {
			return nil, err
		}
		for i := range batch {
			results = append(results, Result{Logits: logits[i*classes:][:classes:classes], labels: c.labels, multilabel: c.network.Options().Multilabel()})
		}
		at += batch
	}
	return results, nil
}

// Logits returns the logits, [batch, classes], of images that have gone through the
// preprocessing: pixels is [batch, size, size, 3] for any batch. The network is compiled
// once for each batch, and the program kept until Close, which takes memory. The context is
// looked at before the network runs.
func (c *Classifier) Logits(ctx context.Context, pixels []float32) ([]float32, error) {
	return c.programs.run(ctx, "", pixels)
}

// EndPoint returns the values of the stage of the given name (arch.Outputs), batch first,
// of images as Logits takes them. The network is compiled up to there, once for each name
// and batch.
func (c *Classifier) EndPoint(ctx context.Context, name string, pixels []float32) ([]float32, error) {
	if name == "" {
		return nil, errors.New("the end point has no name; PreLogits is that of the features")
	}
	return c.programs.run(ctx, name, pixels)
}

// Close releases the compiled programs. Calls of the Classifier's methods that are under
// way may fail, and those that follow do.
func (c *Classifier) Close() { c.programs.close() }
