package reproduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// A trainer trains trials, measures them, and keeps what was found.
type trainer struct {
	backend compute.Backend
	c       Config
	test    *dataset.Set
	plan    *plan
	// images is how many there are to train on, of so many classes.
	images, classes int

	pairs      []*Trial // of the stage networks
	crop       []CropErrors
	family     []*Trial // of the stage depth
	boundaries []Boundary
}

// trial makes a trial, or what is left of it, if it fits into the account.
func (t *trainer) trial(ctx context.Context, a *account, trial *Trial) error {
	trial.folder, trial.recipe.Precision = filepath.Join(t.c.Folder, trial.folder), a.Precision
	if _, err := readJSON(trial.file(), trial); err != nil || trial.Done() {
		return err
	}
	left := float64(trial.points-len(trial.Points)) / float64(trial.points)
	s := a.Speeds[trial.Arm.Key]
	if err := a.require(time.Duration(left * float64(s.of(trial.Steps, trial.points)))); err != nil {
		return err
	}
	if err := os.MkdirAll(trial.folder, 0o777); err != nil {
		return err
	}
	for !trial.Done() {
		start := time.Now()
		err := t.part(ctx, trial)
		trial.Time += time.Since(start)
		switch {
		case err != nil && ctx.Err() == nil && diverged(err):
			trial.Failure = err.Error()
		case err != nil:
			return fmt.Errorf("%s, seed %d: %w", trial.Arm.Name, trial.Seed, err)
		}
		a.count()
		if err := errors.Join(writeJSON(trial.file(), trial), t.plan.write(t.c.Folder)); err != nil {
			return err
		}
	}
	return nil
}

// part trains a trial up to its next point, and measures it.
func (t *trainer) part(ctx context.Context, trial *Trial) error {
	folder := string(trial.run())
	stop := trial.Steps * (len(trial.Points) + 1) / trial.points
	if err := t.advance(ctx, folder, trial.recipe, train.Options{Stop: stop}); err != nil {
		return err
	}
	rows, err := rundir.ReadMetrics(trial.run().Metrics())
	if err != nil {
		return err
	}
	trial.Curve = nil
	for _, row := range rows {
		if row.Training.Loss == row.Training.Loss { // a row of the steps, not of a validation
			trial.Curve = append(trial.Curve, Sample{row.Epoch, row.Training.Loss, row.GradientNorm, row.Training.Top1})
		}
	}
	p := Point{Step: stop, Epoch: float64(stop*batchSize) / float64(t.images)}
	if err := train.WriteRaw(folder); err != nil {
		return err
	}
	if err := t.measure(ctx, trial, &p); err != nil {
		return err
	}
	trial.Points = append(trial.Points, p)
	t.c.log("measured", "network", trial.Arm.Name, "rate", trial.Rate, "seed", trial.Seed, "step", p.Step, "top-1 error", p.RawTop1.Rate, "zeros before pooling", p.Zeros)
	return nil
}

// advance trains a run from where it is.
func (t *trainer) advance(ctx context.Context, folder string, r recipe.Training, o train.Options) error {
	if rundir.Dir(folder).Begun() {
		_, err := train.Resume(ctx, t.backend, folder, o)
		return errors.Join(err, ctx.Err())
	}
	_, err := train.Start(ctx, t.backend, folder, r, o)
	return errors.Join(err, ctx.Err())
}

// forget keeps of a trial's run the recipe alone, beside what was measured: one that ends
// with the trial's steps.
func (t *trainer) forget(trial *Trial) error {
	r := trial.recipe
	r.Epochs = (float64(trial.Steps) - 0.5) * batchSize / float64(t.images) // which is rounded up
	text, err := r.Encode()
	if err != nil {
		return err
	}
	outcome := "did not learn"
	switch {
	case trial.Died():
		outcome = "died"
	case trial.Learned(t.classes):
		outcome = "learned"
	}
	head := fmt.Sprintf("# %s, at a learning rate of %.4g: it %s within %d steps.\n#\n# Command:  inception train --recipe %s --data %s\n# Duration: %s\n",
		trial.Arm.Name, trial.Rate, outcome, trial.Steps, recipeName, t.c.Data, trial.Time.Round(time.Second))
	return errors.Join(atomicfile.WriteBytes(filepath.Join(trial.folder, recipeName), append([]byte(head), text...)), os.RemoveAll(string(trial.run())))
}

const recipeName = "recipe.yaml"

// speed measures how long the parts of a trial take beside their steps, and how long these.
func (t *trainer) speed(ctx context.Context, r recipe.Training) (speed, error) {
	folder, err := os.MkdirTemp(t.c.Folder, "speed-")
	if err != nil {
		return speed{}, err
	}
	defer os.RemoveAll(folder)
	const warmUp, steps = 3, 8
	trial := &Trial{folder: folder, recipe: r}
	times := []time.Time{time.Now()}
	if err := t.advance(ctx, string(trial.run()), r, train.Options{
		Stop:     warmUp + steps,
		Progress: func(train.Progress) { times = append(times, time.Now()) },
	}); err != nil && !diverged(err) {
		return speed{}, err
	}
	n := len(times) - 1
	if n <= warmUp {
		return speed{}, fmt.Errorf("the training ended after %d steps, expected more than %d to measure their speed", n, warmUp)
	}
	if n == warmUp+steps {
		if err := train.WriteRaw(string(trial.run())); err != nil {
			return speed{}, err
		}
		if err := t.measure(ctx, trial, &Point{}); err != nil && !diverged(err) {
			return speed{}, err
		}
	}
	one := times[n].Sub(times[warmUp]) / time.Duration(n-warmUp)
	return speed{Part: max(0, time.Since(times[0])-time.Duration(n)*one), Step: one}, nil
}

// speeds settles what arms compute in and how long their steps take, once. Where the
// precision is left open, it is bfloat16 if the first arm is faster in it.
func (t *trainer) speeds(ctx context.Context, a *account, arms []*Arm, recipeOf func(*Arm) recipe.Training) error {
	if a.Speeds == nil {
		a.Speeds = map[string]speed{}
	}
	measure := func(key string, arm *Arm, precision string) error {
		if _, ok := a.Speeds[key]; ok {
			return nil
		}
		if err := a.require(0); err != nil {
			return err
		}
		r := recipeOf(arm)
		r.Precision = precision
		s, err := t.speed(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", arm.Name, err)
		}
		t.c.log("speed", "network", arm.Name, "precision", precision, "steps a second", float64(time.Second)/float64(s.Step))
		a.Speeds[key] = s
		a.count()
		return t.plan.write(t.c.Folder)
	}
	if a.Precision == "" {
		a.Precision = t.c.Precision
	}
	if a.Precision == "" {
		first := arms[0]
		for _, precision := range []string{single, half} {
			if err := measure(first.Key+" "+precision, first, precision); err != nil {
				return err
			}
		}
		a.Precision = single
		if a.Speeds[first.Key+" "+half].Step < a.Speeds[first.Key+" "+single].Step {
			a.Precision = half
		}
		a.Speeds[first.Key] = a.Speeds[first.Key+" "+a.Precision]
	}
	for _, arm := range arms {
		if err := measure(arm.Key, arm, a.Precision); err != nil {
			return err
		}
	}
	return nil
}

const single, half = "float32", "bfloat16"

// diverged tells the errors of a network whose numbers are not finite any more.
func diverged(err error) bool {
	var training *train.DivergedError
	var written *weights.NotFiniteError
	return errors.As(err, &training) || errors.As(err, &written) || errors.Is(err, score.ErrNotFinite)
}

// measure evaluates the trial's weights.
func (t *trainer) measure(ctx context.Context, trial *Trial, p *Point) error {
	o := evaluate.Options{Limit: t.c.Images, Batch: 50}
	raw, err := t.evaluate(ctx, []string{trial.run().Raw()}, o)
	if err != nil {
		return err
	}
	averaged := raw
	if trial.recipe.AverageDecay > 0 {
		if averaged, err = t.evaluate(ctx, []string{trial.run().Model()}, o); err != nil {
			return err
		}
	}
	p.Top1, p.Top5, p.RawTop1 = averaged.Rows[0].Top1, averaged.Rows[0].Top5, raw.Rows[0].Top1
	p.Activation, p.Zeros, err = t.activation(ctx, trial.run().Raw())
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
// the pooled features, over some images, and the share of these that are zero.
func (t *trainer) activation(ctx context.Context, file string) (mean, zeros float64, err error) {
	c, err := predict.Open(ctx, t.backend, predict.Config{Weights: file})
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	m := evaluate.FromClassifier(file, c)
	var sum float64
	var zero, count int
	m.Logits = func(ctx context.Context, pixels []float32, batch int) ([]float32, error) {
		values, err := c.EndPoint(ctx, "PreLogits", pixels)
		for _, v := range values {
			sum += float64(v)
			if v == 0 {
				zero++
			}
		}
		count += len(values)
		return make([]float32, batch*m.Classes), err
	}
	const images = 64
	if _, err := evaluate.Run(ctx, []evaluate.Member{m}, t.test, evaluate.Options{Limit: images, Batch: images}); err != nil {
		return 0, 0, err
	}
	return sum / float64(count), float64(zero) / float64(count), nil
}
