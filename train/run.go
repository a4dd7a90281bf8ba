package train

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train/replica"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/train/step"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// Options are what watches a run and what it is given beside the recipe. The zero value is
// silent.
type Options struct {
	// Log receives what happens now and then: validations, checkpoints, images that
	// cannot be read.
	Log *slog.Logger
	// Progress is called after every step, from the run's own goroutine.
	Progress func(Progress)
	// Stop is the step after which the run saves and ends, as if it were interrupted then; 0
	// to go on to the recipe's end.
	Stop int
	// CheckGradients lets the error of a step whose gradient is not finite name the first
	// parameter, in the network's order, that it is the gradient of.
	CheckGradients bool
	// Weights finds the weights that a recipe starts from. When nil these are files and
	// folders alone (weights.Find), and the tag of a public checkpoint is an error.
	Weights WeightsFinder
	// Replicas are the processes that train together, each of which calls Start or Resume
	// alike; nil for one alone. All need the images, and the weights that the recipe names;
	// the folder is the first one's, and so are Log's messages about the run, and the result's
	// validations. After an error of one the others may wait for it: end them.
	Replicas *replica.Group
}

// Progress is how far a run has come. What is said of more than one step is about those
// since the last row of metrics.csv.
type Progress struct {
	// Step is how many were made, of Steps.
	Step, Steps int
	// Epoch is how often all images have been seen, with its fraction.
	Epoch float64
	// Loss is the cross-entropy with smoothed labels, and the auxiliary head's, without
	// what weight decay adds.
	Loss         float64
	LearningRate float64
	// GradientNorm is the L2 norm of all gradients before they are clipped.
	GradientNorm float64
	// Top1 and Top5 are shares of the distorted images.
	Top1, Top5 float64
	// ImagesPerSecond are those of the steps' own time, without validations.
	ImagesPerSecond float64
	// Waiting is the share of that time in which the step waited for images.
	Waiting float64
}

// A Result is what a run has come to.
type Result struct {
	// Finished is false for a run that was interrupted, and can be resumed.
	Finished bool
	Step     int
	// Last and Best are the accuracies of the last and of the best validation; nil before
	// the first.
	Last, Best *Validation
	// Images, Time and Waiting are those of this process's steps, Unreadable the number of
	// images that were skipped.
	Images     int
	Unreadable int
	Time       time.Duration
	Waiting    time.Duration
	// LeftOut is what the data have that is not among the images.
	LeftOut dataset.LeftOut
	// Reduction is how much of that time adding the replicas' gradients took.
	Reduction step.Reduction
}

// Start begins a run in a folder, which is made where there is none. It ends with the
// recipe's epochs. When the context is cancelled before, it finishes the step, saves a
// checkpoint, and returns without an error.
func Start(ctx context.Context, backend compute.Backend, folder string, r recipe.Training, o Options) (*Result, error) {
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	if (replicas{o.Replicas}).rank() > 0 {
		return start(ctx, backend, "", r, o, nil)
	}
	r, err := complete(ctx, r, o.Weights)
	if err != nil {
		return nil, err
	}
	dir := rundir.Dir(folder)
	unlock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	if err := dir.Vacant(); err != nil { // rather than compare its recipe with this one
		return nil, errors.Join(err, unlock())
	}
	result, err := start(ctx, backend, dir, r, o, func() error { return dir.Begin(r) })
	return result, errors.Join(err, unlock())
}

// Resume goes on with the run in a folder from its last checkpoint. What it computes is
// what the run would have computed without the interruption.
//
// Of recipe.yaml may have changed what leaves the steps that are made as they are: the
// images may lie elsewhere; recompute, max_unreadable, log_every, save_every and keep
// count from now on; and the run ends after other epochs, more than it has had, unless
// the learning rate follows a cosine, which depends on them from the first step. Then the
// parameters are those of a run that was begun with the changed recipe. Any other change
// is an error. Another number of replicas goes on too, which is said and recorded: batch norm
// then has other parts, unless the recipe says how many micro-batches there are, or that it is
// synchronised.
func Resume(ctx context.Context, backend compute.Backend, folder string, o Options) (*Result, error) {
	if (replicas{o.Replicas}).rank() > 0 {
		return start(ctx, backend, "", recipe.Training{}, o, nil)
	}
	dir := rundir.Dir(folder)
	if _, err := dir.ReadRecipe(); err != nil {
		return nil, err // before a folder is made
	}
	unlock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	r, err := dir.ReadRecipe()
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	result, err := start(ctx, backend, dir, r, o, func() error { return nil })
	return result, errors.Join(err, unlock())
}

// A run is a training under way.
type run struct {
	recipe recipe.Training
	replicas
	partition partition
	dir       rundir.Dir // of the first replica, as is the journal
	log       *slog.Logger
	watch     func(Progress)
	stop      int // Options.Stop
	data      *data
	steps     int // in all
	step      *step.Step
	eval      *evaluator
	loader    *dataset.Loader
	feed      *feed
	// unreadable counts the images of both sets.
	unreadable *dataset.UnreadableLimit
	journal    *rundir.Journal
	model      weights.Metadata

	state     state
	saved     time.Time // of the last checkpoint
	savedStep int       // and its step; -1 before the first
	started   int       // the step that this process began with
	shown     bool      // some inputs of the epoch are in the journal
	result    Result
}

// start opens all that a run needs, calls begin once nothing is wrong with it, and
// trains. Only the first replica has a folder to begin in.
func start(ctx context.Context, backend compute.Backend, dir rundir.Dir, r recipe.Training, o Options, begin func() error) (result *Result, err error) {
	t := &run{replicas: replicas{o.Replicas}, dir: dir, savedStep: -1, log: o.Log, watch: o.Progress, stop: o.Stop}
	if r, err = t.agreeOnRecipe(r.Resolved()); err != nil {
		return nil, err
	}
	t.recipe = r
	if t.partition, err = t.divide(r); err != nil {
		return nil, err
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	closeAll := func(close func() error) { err = errors.Join(err, close()) }
	if t.data, err = openData(ctx, r); err != nil {
		return nil, err
	}
	defer closeAll(t.data.close)
	t.result.LeftOut = t.data.leftOut
	if t.first() {
		t.reportLeftOut()
	}
	from, err := newOrigin(ctx, r, o, t.data.training.Classes(), t.log)
	if err != nil {
		return nil, err
	}
	defer closeAll(from.close)
	own := r
	own.MicroBatches = t.partition.perReplica()
	options := o.ofStep()
	if options.Gather, err = t.gather(r); err != nil {
		return nil, err
	}
	if t.step, err = step.New(backend, from.network, own, from.parameters, from.values, options); err != nil {
		return nil, err
	}
	defer t.step.Close()
	t.describe(from)
	if err := t.restore(); err != nil {
		return nil, err
	}
	loading, evaluating, err := t.loaders()
	if err != nil {
		return nil, err
	}
	if t.loader, err = dataset.NewLoader(t.data.training, loading); err != nil {
		return nil, err
	}
	defer t.loader.Close()
	t.feed = newFeed(t.loader.Next, t.step.Bring)
	defer t.feed.close()
	if t.eval, err = t.newEvaluator(backend, from.network, t.data.validation, evaluating); err != nil {
		return nil, err
	}
	defer t.eval.close()
	if t.first() {
		if err := begin(); err != nil {
			return nil, err
		}
		if err := dir.RemoveUnfinished(); err != nil {
			return nil, err
		}
		if t.journal, err = dir.OpenJournal(t.state.Step, t.state.Due); err != nil {
			return nil, err
		}
		defer closeAll(t.journal.Close)
	}
	err = t.train(ctx)
	t.result.Unreadable = t.unreadable.Count()
	if err == nil {
		err = t.addUnreadable()
	}
	t.result.Step, t.result.Last, t.result.Best = t.state.Step, t.state.Last, t.state.Best
	t.result.Reduction = t.step.Reduction()
	return &t.result, err
}

// ofStep are the options of a run's step.
func (o Options) ofStep() step.Options {
	return step.Options{CheckGradients: o.CheckGradients, Reducer: replicas{o.Replicas}.reducer()}
}

// reportLeftOut logs what may be missing from the images.
func (t *run) reportLeftOut() {
	for _, u := range t.data.leftOut.Unreadable {
		t.log.Warn("cannot be read, so that images may be missing", "name", u.Name, "error", u.Err)
	}
	for _, name := range t.data.leftOut.Circles {
		t.log.Info("did not follow a link that leads back", "name", name)
	}
	if foreign := t.data.leftOut.Images; len(foreign) > 0 {
		t.log.Warn("left out what look like images, of formats that are not read", "number", len(foreign), "first", foreign[0].Name, "format", foreign[0].Format)
	}
}

// describe settles what the files of weights say of themselves.
func (t *run) describe(from *origin) {
	p := t.recipe.Preprocessing()
	t.model = weights.Metadata{Network: from.network.Name(), Options: from.network.Options(), Preprocessing: &p}
	for _, class := range t.data.training.Classes() {
		t.model.Labels = append(t.model.Labels, recipe.Label{Name: class})
	}
}

// loaders returns how images are loaded for training and for validation.
func (t *run) loaders() (training, validation dataset.LoaderOptions, err error) {
	if n := t.data.training.Len(); t.recipe.Batch > n {
		return training, validation, fmt.Errorf("the batch is %d images, more than the %d to train on; choose a smaller batch or add images", t.recipe.Batch, n)
	}
	skipped := func(name string, err error) { t.log.Warn("skipped an image", "name", name, "error", err) }
	t.unreadable = dataset.NewUnreadableLimit(t.data.training.Len()+t.data.validation.Len(), *t.recipe.MaxUnreadable, skipped)
	part := t.recipe.Batch / t.partition.Parts
	training = dataset.LoaderOptions{
		Batch: part, Share: t.share(t.recipe), Preparation: preparation(t.recipe), Seed: t.recipe.Seed, Start: t.state.Position,
		Limit: t.unreadable,
	}
	validation = dataset.LoaderOptions{Batch: part, Preparation: t.recipe.Preprocessing(), Limit: t.unreadable}
	return training, validation, nil
}

// train makes the steps that are left.
func (t *run) train(ctx context.Context) error {
	for {
		if t.state.Due {
			// The steps outlive a validation that fails.
			if t.savedStep != t.state.Step {
				if err := t.save(); err != nil {
					return err
				}
			}
			done, err := t.validate(ctx)
			if err != nil {
				return fmt.Errorf("validation after step %d: %w; the steps are saved: resume the run to go on with the validation", t.state.Step, err)
			}
			if !done {
				return nil // which the checkpoint has as due
			}
			if err := t.saveState(); err != nil {
				return err
			}
		}
		if t.state.Step >= t.steps {
			t.result.Finished = true
			return nil
		}
		if t.stop > 0 && t.state.Step >= t.stop {
			if t.savedStep == t.state.Step {
				return nil
			}
			return t.save()
		}
		err := t.next(t.uninterrupted(ctx))
		if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
			return t.save() // the step had not begun
		}
		if err != nil {
			return err
		}
		stop, err := t.agree(ctx.Err() != nil)
		if err != nil {
			return err
		}
		if stop || time.Since(t.saved) >= t.recipe.SaveEvery {
			if err := t.save(); err != nil || stop {
				return err
			}
		}
	}
}

// next makes one step and counts it.
func (t *run) next(ctx context.Context) error {
	begin, waited := time.Now(), t.feed.waited
	perEpoch := float64(t.data.training.Len()) / float64(t.recipe.Batch)
	rate := learningRate(t.recipe.LearningRate, float64(t.state.Step)/perEpoch, t.recipe.Epochs)
	decay := averageDecay(t.recipe.AverageDecay, t.state.Step)
	microBatches := t.partition.perReplica()
	sums := t.state.Interval
	var norm float64
	var parts []part
	end := t.state.Position
	for i := range microBatches {
		batch, err := t.feed.next(ctx)
		if err != nil {
			return err
		}
		if !t.shown && t.first() {
			if err := t.journal.Inputs(t.state.Step+1, batch.Images, t.recipe.Size); err != nil {
				return err
			}
			t.shown = true
		}
		images, labels, after := batch.Images, batch.Labels, batch.End
		if batch.brought != nil {
			images, labels = nil, slices.Clone(labels)
			t.step.Use(batch.brought)
			t.feed.ahead()
		}
		var o step.Outcome
		if i < microBatches-1 {
			o, err = t.step.Accumulate(t.state.Step, i, images, labels)
		} else {
			o, err = t.step.Apply(t.state.Step, images, labels, rate, decay)
		}
		if err != nil {
			return err
		}
		if !finite(o.Loss) || !finite(o.GradientNorm) {
			return t.diverged(o)
		}
		parts = append(parts, partOf(o, labels))
		norm, end = o.GradientNorm, after
	}
	parts, err := t.partsOfAll(parts)
	if err != nil {
		return err
	}
	for _, p := range parts {
		sums.Loss += p.loss / float64(t.partition.Parts)
		sums.Top1, sums.Top5 = sums.Top1+p.top1, sums.Top5+p.top5
		sums.Images += t.recipe.Batch / t.partition.Parts
	}
	sums.Norm += norm
	sums.Steps++
	t.state.Step++
	t.shown = end.Epoch == t.state.Position.Epoch
	t.state.Due = !t.shown || t.state.Step == t.steps
	t.state.Position = end

	took, waiting := time.Since(begin), t.feed.waited-waited
	sums.Time, sums.Waited = sums.Time+took, sums.Waited+waiting
	t.result.Images += t.recipe.Batch
	t.result.Time, t.result.Waiting = t.result.Time+took, t.result.Waiting+waiting
	p := t.progress(sums, rate, perEpoch)
	if t.watch != nil {
		t.watch(p)
	}
	t.state.Interval = sums
	if t.state.Step%t.recipe.LogEvery == 0 || t.state.Step == t.steps {
		t.state.Interval = interval{}
		if !t.first() {
			return nil
		}
		return t.journal.Training(rundir.Steps{
			Step: p.Step, Epoch: p.Epoch, Loss: p.Loss, LearningRate: p.LearningRate, GradientNorm: p.GradientNorm,
			Top1: p.Top1, Top5: p.Top5, ImagesPerSecond: p.ImagesPerSecond, Waiting: p.Waiting,
		})
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (t *run) diverged(o step.Outcome) error {
	last, _ := t.dir.LastCheckpoint() // without it the error says less, and stays what it is
	return &DivergedError{Step: t.state.Step + 1, Loss: o.Loss, GradientNorm: o.GradientNorm, Parameter: o.NotFinite, Checkpoint: last}
}

// progress says what happened in an interval.
func (t *run) progress(i interval, rate, perEpoch float64) Progress {
	steps, images := float64(i.Steps), float64(i.Images)
	p := Progress{
		Step: t.state.Step, Steps: t.steps, Epoch: float64(t.state.Step) / perEpoch, LearningRate: rate,
		Loss: i.Loss / steps, GradientNorm: i.Norm / steps, Top1: float64(i.Top1) / images, Top5: float64(i.Top5) / images,
	}
	// After a resumption the interval may have images of another process.
	own := min(i.Steps, t.state.Step-t.started)
	p.ImagesPerSecond = float64(own*t.recipe.Batch) / i.Time.Seconds()
	p.Waiting = i.Waited.Seconds() / i.Time.Seconds()
	return p
}

// validate measures the averages, each replica on a part of the images, and keeps those that
// are better than all before; done is false if a replica was interrupted.
func (t *run) validate(ctx context.Context) (done bool, err error) {
	values, err := t.step.Averages()
	if err != nil {
		return false, err
	}
	outcomes, err := t.eval.measure(ctx, values)
	if err != nil && ctx.Err() == nil {
		return false, err
	}
	if stop, err := t.agree(err != nil); err != nil || stop {
		return false, err
	}
	a, err := t.accuracy(outcomes)
	if err != nil {
		return false, err
	}
	if a.Images == 0 {
		return false, fmt.Errorf("none of the %d images to evaluate can be read", t.data.validation.Len())
	}
	if !t.first() {
		t.state.Due = false
		return true, nil
	}
	return true, t.validated(a, values)
}

// validated records an accuracy, as the first replica.
func (t *run) validated(a score.Accuracy, values []step.Values) error {
	v := &Validation{t.state.Step, a}
	epoch := float64(t.state.Step) * float64(t.recipe.Batch) / float64(t.data.training.Len())
	if err := t.journal.Validation(rundir.Validation{Step: v.Step, Epoch: epoch, Loss: v.Loss, Top1: v.Top1, Top5: v.Top5}); err != nil {
		return err
	}
	t.log.Info("validated", "epoch", math.Round(epoch*100)/100, "top1", a.Top1, "top5", a.Top5, "loss", a.Loss)
	t.state.Due, t.state.Last = false, v
	if t.state.Best == nil || v.Top1 > t.state.Best.Top1 {
		t.state.Best = v
		return t.writeModel(t.dir.Best(), values)
	}
	return nil
}

// save writes a checkpoint and the model, and removes what is older than what is kept. It is
// the first replica's.
func (t *run) save() error {
	if !t.first() {
		t.saved, t.savedStep = time.Now(), t.state.Step
		return nil
	}
	if err := t.saveState(); err != nil {
		return err
	}
	values, err := t.step.Averages()
	if err != nil {
		return err
	}
	if err := t.writeModel(t.dir.Model(), values); err != nil {
		return t.notSaved(err)
	}
	t.saved, t.savedStep = time.Now(), t.state.Step
	t.log.Debug("saved", "step", t.state.Step)
	return t.dir.KeepLast(t.recipe.Keep)
}

// saveState writes a checkpoint, as the first replica.
func (t *run) saveState() error {
	if !t.first() {
		return nil
	}
	if err := saveCheckpoint(t.dir, t.step, t.state); err != nil {
		return t.notSaved(err)
	}
	return nil
}

func (t *run) notSaved(err error) error {
	last := "there is no earlier checkpoint"
	if path, listed := t.dir.LastCheckpoint(); listed == nil && path != "" {
		last = "the last good checkpoint is " + path
	}
	return fmt.Errorf("step %d could not be saved, so that training stops: %w; %s: resume from it when there is room", t.state.Step, err, last)
}

// writeModel writes weights that package predict takes.
func (t *run) writeModel(path string, values []step.Values) error {
	sources := make([]weights.Source, len(values))
	for i, v := range values {
		sources[i] = weights.Source{Parameter: v.Parameter, Values: func(dst []float32) error {
			copy(dst, v.Flat)
			return nil
		}}
	}
	return weights.Write(path, weights.Native, t.model, slices.Clip(sources))
}
