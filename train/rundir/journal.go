package rundir

import (
	"errors"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/train/events"
)

// Steps are means over some steps of a training, which ended with Step.
type Steps struct {
	Step int
	// Epoch is how often all images had been seen, with its fraction.
	Epoch float64
	Loss  float64
	// LearningRate is that of the last step.
	LearningRate float64
	// GradientNorm is the L2 norm of all gradients before they are clipped.
	GradientNorm float64
	// Top1 and Top5 are shares of the images.
	Top1, Top5      float64
	ImagesPerSecond float64
	// Waiting is the share of the time in which a step waited for images.
	Waiting float64
}

// Validation is how well the averages do after a step; Top1 and Top5 are shares.
type Validation struct {
	Step             int
	Epoch            float64
	Loss, Top1, Top5 float64
}

// A Journal is what a run leaves to be looked at: metrics.csv, and event files for
// TensorBoard. Its methods are for one goroutine.
type Journal struct {
	metrics *metrics
	events  *events.Writer
}

// OpenJournal opens that of a run which goes on after a number of steps. What the journal
// has of later ones, and of the validation after that step where it is still due, is
// forgotten, as the run will write it again.
func (d Dir) OpenJournal(step int, due bool) (*Journal, error) {
	m, err := openMetrics(d.Metrics(), step, due)
	if err != nil {
		return nil, err
	}
	first := 0
	if step > 0 {
		first = step + 1
	}
	e, err := events.Create(string(d), int64(first))
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return &Journal{m, e}, nil
}

// Training writes what was measured in some steps.
func (j *Journal) Training(s Steps) error {
	return errors.Join(j.metrics.training(s), j.events.Scalars(int64(s.Step),
		events.Scalar{Tag: "loss", Value: s.Loss},
		events.Scalar{Tag: "learning_rate", Value: s.LearningRate},
		events.Scalar{Tag: "gradient_norm", Value: s.GradientNorm},
		events.Scalar{Tag: "top1", Value: s.Top1},
		events.Scalar{Tag: "top5", Value: s.Top5},
		events.Scalar{Tag: "images_per_second", Value: s.ImagesPerSecond}))
}

// Validation writes what was measured after a step.
func (j *Journal) Validation(v Validation) error {
	return errors.Join(j.metrics.validation(v), j.events.Scalars(int64(v.Step),
		events.Scalar{Tag: "validation/loss", Value: v.Loss},
		events.Scalar{Tag: "validation/top1", Value: v.Top1},
		events.Scalar{Tag: "validation/top5", Value: v.Top5}))
}

// Inputs writes the first images of a step as they are trained on, [n, side, side, 3] in
// [-1,1].
func (j *Journal) Inputs(step int, images []float32, side int) error {
	const most = 4
	size := side * side * 3
	var pictures []events.Picture
	for i := range min(most, len(images)/size) {
		picture, err := events.Input(images[i*size:][:size], side)
		if err != nil {
			return err
		}
		pictures = append(pictures, events.Picture{Tag: fmt.Sprintf("input/%d", i), Image: picture})
	}
	return j.events.Pictures(int64(step), pictures...)
}

// Close closes the files.
func (j *Journal) Close() error { return errors.Join(j.metrics.close(), j.events.Close()) }
