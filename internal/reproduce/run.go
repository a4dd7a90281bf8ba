package reproduce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
)

// Config says what is reproduced.
type Config struct {
	Claims []Claim
	// Data is the path of the images, with the splits Train and Test, as package dataset
	// reads them.
	Data, Train, Test string
	// Budget is what all may take; DefaultBudget when zero. How many steps the trials make
	// follows from it and from measured speeds, and what does not fit is not begun.
	Budget time.Duration
	// Seeds is how many trials of each arm there are, with the seeds from 1 on.
	Seeds int
	// Images is how many of the test images a trial is measured on, on its way.
	Images int
	// Precision is what is trained in, float32 or bfloat16; the faster when empty.
	Precision string
	// Folder is where trials and what they gave are kept. It is made, or empty, or that of
	// an earlier call with the same Config, which is gone on with; Claims may differ, and
	// Budget.
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
	if len(c.Claims) == 0 || c.Budget < 0 || c.Seeds < 1 || c.Images < 1 || c.Folder == "" {
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
	Images int
	// Budget and Time are those of all stages.
	Budget, Time time.Duration
	Findings     []Finding
}

// A Finding is what was measured for a claim.
type Finding struct {
	Claim       Claim
	Comparisons []Comparison
	// Trials are those that the claim is told from.
	Trials []*Trial
	// Crops are the errors of networks and ensembles by crops, of the claim Crops.
	Crops []CropErrors
	// Boundaries are the largest rates that learn, of the claim Scaling.
	Boundaries []Boundary
	// Missing is what was not done, and why; empty where all was.
	Missing []string
	// Settled is how the stages' trials were chosen, by the names of the stages.
	Settled map[string]account

	classes int
}

// Run trains and measures what the claims need. Interrupted, it goes on from the trials that
// are in the folder when it is called again.
func Run(ctx context.Context, backend compute.Backend, c Config) (*Result, error) {
	return run(ctx, backend, c, stages())
}

func run(ctx context.Context, backend compute.Backend, c Config, all []stage) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	all = needed(all, c.Claims)
	p, err := readPlan(c, all)
	if err != nil {
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
	if err := p.write(c.Folder); err != nil {
		return nil, err
	}
	t := &trainer{backend: backend, c: c, test: test, plan: p, images: images, classes: len(classes)}
	result := &Result{Config: c, Backend: backend.Description(), Classes: classes, Images: images}
	for _, s := range all {
		if err := t.stage(ctx, s); err != nil {
			return nil, err
		}
		result.Budget += p.Accounts[s.name].Budget
		result.Time += p.Accounts[s.name].Spent
	}
	for _, claim := range c.Claims {
		f := Finding{Claim: claim, Trials: t.pairs, Settled: map[string]account{}, classes: t.classes}
		switch claim {
		case Crops:
			f.Crops = t.crop
		case Scaling:
			f.Trials, f.Boundaries = t.family, t.boundaries
		}
		for _, s := range needed(all, []Claim{claim}) {
			a := p.Accounts[s.name]
			f.Settled[s.name] = *a
			if a.Missing != "" {
				f.Missing = append(f.Missing, a.Missing)
			}
		}
		if f.Comparisons, err = compare(f); err != nil {
			return nil, err
		}
		result.Findings = append(result.Findings, f)
	}
	return result, nil
}
