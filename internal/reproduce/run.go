package reproduce

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// points is how often a trial is measured on its way.
const points = 8

// Config says what is reproduced.
type Config struct {
	Claims []Claim
	// Data is the path of the images, with the splits Train and Test, as package dataset
	// reads them.
	Data, Train, Test string
	// Budget is about how long all may take. How many steps the trials make follows from
	// it and from measured speeds; it does not end anything early.
	Budget time.Duration
	// Seeds is how many trials of each arm there are, with the seeds from 1 on.
	Seeds int
	// Images is how many of the test images a trial is measured on, on its way.
	Images int
	// Folder is where runs are kept. It is made, or empty.
	Folder string
	// Log receives what happens; nil for nothing.
	Log *slog.Logger
}

func (c *Config) log(message string, args ...any) {
	if c.Log != nil {
		c.Log.Info(message, args...)
	}
}

func (c *Config) check() error {
	if len(c.Claims) == 0 || c.Budget <= 0 || c.Seeds < 1 || c.Images < 1 || c.Folder == "" {
		return fmt.Errorf("expected claims, a budget, seeds, images and a folder, found %d, %v, %d, %d and %q", len(c.Claims), c.Budget, c.Seeds, c.Images, c.Folder)
	}
	return nil
}

// A Result is what was measured.
type Result struct {
	Config  Config
	Backend string
	Classes []string
	// Images is how many images there are to train on.
	Images   int
	Time     time.Duration
	Findings []Finding
}

// A Finding is what was measured for a claim.
type Finding struct {
	Claim       Claim
	Comparisons []Comparison
	// Trials are those of both arms, with equal seeds side by side: the claim's first.
	Trials []*Trial
	// Crops are the errors of networks and ensembles by crops, of the claim Crops.
	Crops []CropErrors
}

// CropErrors are the top-1 errors of the trials of one seed on a number of crops.
type CropErrors struct {
	Seed     uint64
	Crops    vision.Crops
	Members  []score.Errors // in the order of the arms
	Ensemble score.Errors
}

// trainingShare is the part of the budget that is trained in; the rest is for evaluation
// and compilation.
const trainingShare = 0.7

// heldOut is the share of the images that a training validates on by itself, as small as
// may be, since the trials are measured on the test split.
const heldOut = 0.01

// Run trains and measures what the claims need. Claims that need the same trials share
// them.
func Run(ctx context.Context, backend compute.Backend, c Config) (*Result, error) {
	start := time.Now()
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := vacant(c.Folder); err != nil {
		return nil, err
	}
	training, err := dataset.Open(ctx, c.Data, dataset.Options{Split: c.Train})
	if err != nil {
		return nil, err
	}
	rest, _, err := training.HoldOut(heldOut)
	if err := errors.Join(err, training.Close()); err != nil {
		return nil, err
	}
	images, classes := rest.Len(), rest.Classes()
	test, err := dataset.Open(ctx, c.Data, dataset.Options{Split: c.Test, Classes: classes})
	if err != nil {
		return nil, err
	}
	defer test.Close()
	if err := os.MkdirAll(c.Folder, 0o777); err != nil {
		return nil, err
	}
	t := &trainer{backend, c, test}
	result := &Result{Config: c, Backend: backend.Description(), Classes: classes, Images: images}
	experiments := map[Claim][]*Trial{}
	needed := experimentsOf(c.Claims)
	for _, e := range needed {
		budget := c.Budget.Seconds() * trainingShare / float64(len(needed))
		if experiments[e], err = t.experiment(ctx, e, budget, images, len(classes)); err != nil {
			return nil, err
		}
	}
	for _, claim := range c.Claims {
		f := Finding{Claim: claim, Trials: experiments[experimentOf(claim)]}
		if claim == Crops {
			if f.Crops, err = t.crops(ctx, f.Trials); err != nil {
				return nil, err
			}
		}
		if f.Comparisons, err = compare(f, len(classes)); err != nil {
			return nil, err
		}
		result.Findings = append(result.Findings, f)
	}
	result.Time = time.Since(start)
	return result, nil
}

// vacant refuses a folder in which something is: trainings of other settings would be gone
// on with.
func vacant(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("the folder %s is not empty (%s is in it), expected one for new trainings; name another", folder, entries[0].Name())
	}
	return err
}

// experimentOf is the experiment whose trials tell about a claim.
func experimentOf(c Claim) Claim {
	if c == Scaling {
		return Scaling
	}
	return Residual
}

func experimentsOf(claims []Claim) []Claim {
	var all []Claim
	for _, c := range claims {
		if e := experimentOf(c); !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return all
}

// experiment trains both arms with all seeds, all for the same number of steps.
func (t *trainer) experiment(ctx context.Context, e Claim, seconds float64, images, classes int) ([]*Trial, error) {
	both, err := arms(t.backend, e, classes)
	if err != nil {
		return nil, err
	}
	var perStep float64 // of both
	for _, a := range both {
		one, err := t.secondsPerStep(ctx, a)
		if err != nil {
			return nil, err
		}
		perStep += one
		t.c.log("speed", "arm", a.Name, "images a second", batchSize/one)
	}
	steps := max(int(seconds/perStep/float64(t.c.Seeds)), points)
	epochs := float64(steps) * batchSize / float64(images)
	t.c.log("experiment", "claim", e, "steps", steps, "epochs", epochs)
	var trials []*Trial
	for seed := range uint64(t.c.Seeds) {
		for i, a := range both {
			trial := &Trial{Arm: a, Seed: seed + 1}
			trial.Recipe = a.recipeOf(t.c, trial.Seed, epochs)
			folder := filepath.Join(t.c.Folder, fmt.Sprintf("%s-%c-%d", e, 'a'+i, trial.Seed))
			if err := t.train(ctx, trial, folder, steps); err != nil {
				return nil, err
			}
			trials = append(trials, trial)
		}
	}
	return trials, nil
}

// cropImages is how many images are evaluated with 144 crops, and with fewer.
const cropImages = 400

// crops evaluates the trials of each seed alone and together.
func (t *trainer) crops(ctx context.Context, trials []*Trial) ([]CropErrors, error) {
	var all []CropErrors
	for i := 0; i+1 < len(trials); i += 2 {
		if trials[i].Failure != nil || trials[i+1].Failure != nil {
			continue
		}
		for _, crops := range []vision.Crops{vision.Crops1, vision.Crops12, vision.Crops144} {
			r, err := t.evaluate(ctx, []string{trials[i].Averaged, trials[i+1].Averaged}, evaluate.Options{Crops: crops, Limit: cropImages, Batch: 48})
			if err != nil {
				return nil, err
			}
			all = append(all, CropErrors{trials[i].Seed, crops, []score.Errors{r.Rows[0].Top1, r.Rows[1].Top1}, r.Rows[2].Top1})
			t.c.log("evaluated", "seed", trials[i].Seed, "crops", crops, "top-1 error of both", r.Rows[2].Top1.Rate)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no pair of trainings came to its end, so that there is nothing to evaluate")
	}
	return all, nil
}
