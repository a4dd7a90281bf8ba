package predict

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Classifier turns photographs into ranked classes. It is safe for use by
// several goroutines.
type Classifier struct {
	backend       compute.Backend
	network       *arch.Network
	preprocessing recipe.Preprocessing
	crop          vision.EvaluationCrop
	labels        []recipe.Label // nil where the classes have no names
	batch         int
	store         *model.Store
	exec          *model.Exec
}

// Network returns the classifier's network.
func (c *Classifier) Network() *arch.Network { return c.network }

// Preprocessing returns what is done to photographs.
func (c *Classifier) Preprocessing() recipe.Preprocessing { return c.preprocessing }

// Labels returns the classes in index order; nil where they have no names.
func (c *Classifier) Labels() []recipe.Label { return c.labels }

// compile makes the program. The store's values become constants of it, which
// lets a backend fold and pack them once.
func (c *Classifier) compile(store *model.Store) error {
	store.WithVariableAsConst(true)
	exec, err := model.NewExec(c.backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
		return c.network.Graph(scope, images).Logits
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.network.Name(), err)
	}
	c.store, c.exec = store, exec
	return nil
}

// Predict classifies photographs of any sizes and returns one result for each, in
// their order. Full batches run through the network together, the rest one by one,
// so that the network is compiled for two batch sizes at most. The context is
// looked at before each batch.
func (c *Classifier) Predict(ctx context.Context, images ...*vision.Image) ([]Result, error) {
	results := make([]Result, 0, len(images))
	for len(images) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := 1
		if len(images) >= c.batch {
			n = c.batch
		}
		logits, err := c.run(images[:n])
		if err != nil {
			return nil, err
		}
		classes := c.network.Options().Classes
		for i := range n {
			results = append(results, Result{Logits: logits[i*classes:][:classes:classes], labels: c.labels})
		}
		images = images[n:]
	}
	return results, nil
}

// run returns the logits of one batch, [len(images), classes].
func (c *Classifier) run(images []*vision.Image) ([]float32, error) {
	size := c.preprocessing.Size
	pixels := make([]float32, len(images)*size*size*3)
	for i, image := range images {
		cropped, err := c.crop.Apply(image)
		if err != nil {
			return nil, err
		}
		part := pixels[i*size*size*3:][:size*size*3]
		if err := vision.Normalize(part, cropped, c.preprocessing.Mean, c.preprocessing.Std); err != nil {
			return nil, err
		}
	}
	return c.Logits(pixels, len(images))
}

// Logits returns the logits, [batch, classes], of a batch of images that have gone
// through the preprocessing: pixels is [batch, size, size, 3]. The network is compiled
// once for each batch size.
func (c *Classifier) Logits(pixels []float32, batch int) ([]float32, error) {
	return c.execute(c.exec, pixels, batch)
}

// EndPoint returns the values of the stage of the given name (arch.Outputs), batch first,
// for images as Logits takes them. It compiles the network up to there anew each time.
func (c *Classifier) EndPoint(name string, pixels []float32, batch int) ([]float32, error) {
	var unknown error
	exec, err := model.NewExec(c.backend, c.store, func(scope *model.Scope, images *graph.Node) *graph.Node {
		outputs := c.network.Graph(scope, images)
		node, err := outputs.EndPoint(name)
		if err != nil {
			unknown = err
			return outputs.Logits
		}
		return node
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.network.Name(), err)
	}
	defer exec.Finalize()
	values, err := c.execute(exec, pixels, batch)
	if unknown != nil {
		return nil, unknown
	}
	return values, err
}

// execute runs a program that takes images and has one output.
func (c *Classifier) execute(exec *model.Exec, pixels []float32, batch int) ([]float32, error) {
	size := c.preprocessing.Size
	if batch < 1 || len(pixels) != batch*size*size*3 {
		return nil, fmt.Errorf("run %s: %d values are given for %d images, expected at least one image and %d for each", c.network.Name(), len(pixels), batch, size*size*3)
	}
	var values []float32
	err := exceptions.TryCatch[error](func() {
		outputs, err := exec.Exec(tensors.FromFlatDataAndDimensions(pixels, batch, size, size, 3))
		if err != nil {
			panic(err)
		}
		values = tensors.MustCopyFlatData[float32](outputs[0])
	})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", c.network.Name(), err)
	}
	return values, nil
}

// Close releases the compiled programs. The Classifier must not be used
// afterwards.
func (c *Classifier) Close() { c.exec.Finalize() }
