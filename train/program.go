package train

import (
	"context"
	"errors"
	"log/slog"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/step"
)

// A Program is the step of a recipe alone, without data and checkpoints: the network
// forward and backward, the optimiser and the averages. It is for measuring.
type Program struct {
	recipe recipe.Training
	step   *step.Step
	feed   *feed
	next   dataset.Batch // that the feed fetches
}

// NewProgram makes the step of a recipe for a number of classes, with what the recipe
// begins with. A batch is not divided: MicroBatches must be left out, or 1.
func NewProgram(backend compute.Backend, r recipe.Training, classes int) (*Program, error) {
	r = r.Resolved()
	o, err := newOrigin(context.Background(), r, Options{}, make([]string, classes), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	s, err := step.New(backend, o.network, r, o.parameters, o.values, step.Options{})
	if err := errors.Join(err, o.close()); err != nil {
		return nil, err
	}
	p := &Program{recipe: r, step: s}
	p.feed = newFeed(func(context.Context) (*dataset.Batch, error) { return &p.next, nil }, s.Bring)
	return p, nil
}

// Images returns memory for the images of steps, [batch, size, size, 3]: a step that is
// given it takes no memory for them besides, if the backend has shared buffers.
func (p *Program) Images(batch int) ([]float32, error) { return p.step.Images(batch) }

// Step does step number n, from 0, on images, [len(labels), size, size, 3], and returns
// the loss. With next, as many images for the step after it, these are brought to the device
// meanwhile, where that has memory of its own; nil for none.
func (p *Program) Step(n int, images []float32, labels []int32, next []float32) (loss float64, err error) {
	if p.feed.coming != nil {
		given, err := p.feed.next(context.Background())
		if err != nil {
			return 0, err
		}
		p.step.Use(given.brought)
	}
	if next != nil {
		p.next = dataset.Batch{Images: next, Labels: labels}
		p.feed.ahead()
	}
	o, err := p.step.Apply(n, images, labels, p.recipe.LearningRate.Initial, p.recipe.AverageDecay)
	return o.Loss, err
}

// Executable is what runs; nil before the first step.
func (p *Program) Executable() compute.Executable { return p.step.Executable() }

// Close releases the program and its parameters.
func (p *Program) Close() {
	p.feed.close()
	p.step.Close()
}
