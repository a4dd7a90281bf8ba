package train

import (
	"log/slog"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A Program is the training step of a recipe alone, without data and checkpoints: the
// network forward and backward, the optimiser and the averages. It is for measuring.
type Program struct{ stepper *stepper }

// NewProgram makes the step of a recipe for a number of classes, with what the recipe
// begins with. A batch is not divided: MicroBatches must be left out, or 1.
func NewProgram(backend compute.Backend, r recipe.Training, classes int) (*Program, error) {
	r = r.Resolved()
	o, err := newOrigin(r, make([]string, classes), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	s, err := newStepper(backend, o.network, r, o.parameters, o.values, false)
	if err != nil {
		return nil, err
	}
	return &Program{s}, o.close()
}

// Images returns memory for the images of steps, [batch, size, size, 3]: a step that is
// given it takes no memory for them besides, if the backend has shared buffers.
func (p *Program) Images(batch int) ([]float32, error) {
	shape := imagesShape(batch, p.stepper.recipe.Size)
	if !p.stepper.backend.HasSharedBuffers() {
		return make([]float32, shape.Size()), nil
	}
	return p.stepper.room(shape)
}

// Step does step number step, from 0, on images, [len(labels), size, size, 3], and
// returns the loss.
func (p *Program) Step(step int, images []float32, labels []int32) (loss float64, err error) {
	r := p.stepper.recipe
	o, err := p.stepper.step(step, images, labels, r.LearningRate.Initial, r.AverageDecay)
	return o.loss, err
}

// Executable is what runs; nil before the first step.
func (p *Program) Executable() compute.Executable { return p.stepper.update.executable }

// Close releases the program and its parameters.
func (p *Program) Close() { p.stepper.close() }
