package reproduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// A trainer trains trials and measures them.
type trainer struct {
	backend compute.Backend
	c       Config
	test    *dataset.Set
}

// part trains a run up to a step, from where it is. It returns the progress of the last
// step.
func (t *trainer) part(ctx context.Context, folder string, r recipe.Training, stop int) (last train.Progress, err error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	o := train.Options{Progress: func(p train.Progress) {
		last = p
		if p.Step >= stop && p.Step < p.Steps {
			cancel() // which saves
		}
	}}
	if rundir.Dir(folder).Begun() {
		_, err = train.Resume(inner, t.backend, folder, o)
		return last, errors.Join(err, ctx.Err())
	}
	_, err = train.Start(inner, t.backend, folder, r, o)
	return last, errors.Join(err, ctx.Err())
}

// secondsPerStep measures how long a step of an arm takes, without compiling.
func (t *trainer) secondsPerStep(ctx context.Context, a *Arm) (float64, error) {
	folder, err := os.MkdirTemp(t.c.Folder, "speed-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	const warmUp, steps = 3, 8
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var times []time.Time
	o := train.Options{Progress: func(p train.Progress) {
		if times = append(times, time.Now()); len(times) > warmUp+steps {
			cancel()
		}
	}}
	const endless = 1000 // epochs: the steps below come to their end before
	if _, err := train.Start(inner, t.backend, folder, a.recipeOf(t.c, 1, endless), o); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	last := len(times) - 1
	return times[last].Sub(times[warmUp]).Seconds() / float64(last-warmUp), nil
}

// train trains a trial in parts, each followed by a measurement.
func (t *trainer) train(ctx context.Context, trial *Trial, folder string, steps int) error {
	start := time.Now()
	defer func() { trial.Time = time.Since(start) }()
	trial.Averaged, trial.Raw = rundir.Dir(folder).Model(), rundir.Dir(folder).Raw()
	for i := range points {
		progress, err := t.part(ctx, folder, trial.Recipe, steps*(i+1)/points)
		if err != nil {
			if ctx.Err() == nil && diverged(err) {
				trial.Failure = err
				return nil
			}
			return fmt.Errorf("%s, seed %d: %w", trial.Arm.Name, trial.Seed, err)
		}
		if err := train.WriteRaw(folder); err != nil {
			return err
		}
		p := Point{Step: progress.Step, Epoch: progress.Epoch, Loss: progress.Loss}
		if err := t.measure(ctx, trial, &p); err != nil {
			if diverged(err) {
				trial.Failure = err
				return nil
			}
			return err
		}
		trial.Points = append(trial.Points, p)
		t.c.log("measured", "arm", trial.Arm.Name, "seed", trial.Seed, "epoch", p.Epoch, "top-1 error", p.Top1.Rate, "activation", p.Activation)
	}
	return nil
}

// diverged tells the errors of a network whose numbers are not finite any more.
func diverged(err error) bool {
	var training *train.DivergedError
	var written *weights.NotFiniteError
	return errors.As(err, &training) || errors.As(err, &written) || errors.Is(err, score.ErrNotFinite)
}

// measure evaluates the trial's weights.
func (t *trainer) measure(ctx context.Context, trial *Trial, p *Point) error {
	o := evaluate.Options{Limit: t.c.Images, Batch: 50}
	averaged, err := t.evaluate(ctx, []string{trial.Averaged}, o)
	if err != nil {
		return err
	}
	raw, err := t.evaluate(ctx, []string{trial.Raw}, o)
	if err != nil {
		return err
	}
	p.Top1, p.Top5, p.RawTop1 = averaged.Rows[0].Top1, averaged.Rows[0].Top5, raw.Rows[0].Top1
	p.Activation, err = t.activation(ctx, trial.Raw)
	return err
}

// evaluate opens files of weights and evaluates them.
func (t *trainer) evaluate(ctx context.Context, files []string, o evaluate.Options) (*evaluate.Report, error) {
	var members []evaluate.Member
	for _, file := range files {
		c, err := predict.Open(ctx, t.backend, predict.Config{Weights: file})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		members = append(members, evaluate.FromClassifier(file, c))
	}
	return evaluate.Run(ctx, members, t.test, o)
}

// activation is the mean of the last layer before the average pooling, which is that of
// the pooled features, over some images.
func (t *trainer) activation(ctx context.Context, file string) (float64, error) {
	c, err := predict.Open(ctx, t.backend, predict.Config{Weights: file})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	m := evaluate.FromClassifier(file, c)
	var sum float64
	var count int
	m.Logits = func(ctx context.Context, pixels []float32, batch int) ([]float32, error) {
		values, err := c.EndPoint(ctx, "PreLogits", pixels)
		for _, v := range values {
			sum += float64(v)
		}
		count += len(values)
		return make([]float32, batch*m.Classes), err
	}
	const images = 64
	if _, err := evaluate.Run(ctx, []evaluate.Member{m}, t.test, evaluate.Options{Limit: images, Batch: images}); err != nil {
		return 0, err
	}
	return sum / float64(count), nil
}
