package train

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/seed-fb2c0fa6/inception/train/events"
)

// A journal is what a run leaves to be looked at: metrics.csv, and event files for
// TensorBoard.
type journal struct {
	metrics *metrics
	events  *events.Writer
}

// openJournal opens that of a run which goes on after a step.
func openJournal(folder string, step int, due bool) (*journal, error) {
	m, err := openMetrics(filepath.Join(folder, metricsFile), step, due)
	if err != nil {
		return nil, err
	}
	first := 0
	if step > 0 {
		first = step + 1
	}
	e, err := events.Create(folder, int64(first))
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return &journal{m, e}, nil
}

func (j *journal) training(p Progress) error {
	return errors.Join(j.metrics.training(p), j.events.Scalars(int64(p.Step),
		events.Scalar{Tag: "loss", Value: p.Loss},
		events.Scalar{Tag: "learning_rate", Value: p.LearningRate},
		events.Scalar{Tag: "gradient_norm", Value: p.GradientNorm},
		events.Scalar{Tag: "top1", Value: p.Top1},
		events.Scalar{Tag: "top5", Value: p.Top5},
		events.Scalar{Tag: "images_per_second", Value: p.ImagesPerSecond}))
}

func (j *journal) validation(v Validation, epoch float64) error {
	return errors.Join(j.metrics.validation(v, epoch), j.events.Scalars(int64(v.Step),
		events.Scalar{Tag: "validation/loss", Value: v.Loss},
		events.Scalar{Tag: "validation/top1", Value: v.Top1},
		events.Scalar{Tag: "validation/top5", Value: v.Top5}))
}

// inputs writes the first images of a batch as they are trained on, [n, side, side, 3].
func (j *journal) inputs(step int, images []float32, side int) error {
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

func (j *journal) close() error { return errors.Join(j.metrics.close(), j.events.Close()) }
