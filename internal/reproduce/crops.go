package reproduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// cropImages is how many of the test images are evaluated with 144 crops, and with fewer.
const cropImages = 400

// CropErrors are errors on a number of crops, of the members of an ensemble and of all
// together.
type CropErrors struct {
	Name     string // of the ensemble
	Networks []string
	Crops    vision.Crops
	Members  []CropError // in the order of Networks
	Ensemble CropError
}

// A CropError is one cell of tables 2 to 5.
type CropError struct{ Top1, Top5 score.Errors }

// An ensemble is averaged over its trials, as in the paper's table 5.
type ensemble struct {
	name, key string
	trials    []*Trial
}

// ensembles are each network with all seeds and, as the paper's best, one of the network
// before the last with all of the last.
func ensembles(trials []*Trial) []ensemble {
	var all []ensemble
	by := map[string]int{}
	for _, trial := range trials {
		if trial.Failure != "" {
			continue
		}
		key := trial.Arm.Key
		at, ok := by[key]
		if !ok {
			at = len(all)
			by[key] = at
			all = append(all, ensemble{key: key})
		}
		all[at].trials = append(all[at].trials, trial)
	}
	for i := range all {
		all[i].name = fmt.Sprintf("%d %s", len(all[i].trials), all[i].trials[0].Arm.Name)
	}
	if n := len(all); n >= 2 {
		one, rest := all[n-2].trials[0], all[n-1]
		all = append(all, ensemble{"1 " + one.Arm.Name + " and " + rest.name, "best", append([]*Trial{one}, rest.trials...)})
	}
	return all
}

// crops evaluates the networks that were trained, alone and together.
func (t *trainer) crops(ctx context.Context, a *account) error {
	all := ensembles(t.pairs)
	if len(all) == 0 {
		a.Missing = "there is no network whose crops could be evaluated"
		return errSpent
	}
	folder := filepath.Join(t.c.Folder, "crops")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	var before time.Duration // what the ensemble took per crop
	for _, crops := range []vision.Crops{vision.Crops1, vision.Crops12, vision.Crops144} {
		for _, e := range all {
			var errs CropErrors
			path := filepath.Join(folder, fmt.Sprintf("%s-%d-%d.json", e.key, len(e.trials), crops))
			known, err := readJSON(path, &errs)
			if err != nil {
				return err
			}
			if !known {
				a.Missing = fmt.Sprintf("%d crops of %s, and what follows, were not evaluated", crops, e.name)
				if err := a.require(time.Duration(crops) * before * time.Duration(len(e.trials))); err != nil {
					return err
				}
				start := time.Now()
				if errs, err = t.cropErrors(ctx, e, crops); err != nil {
					return err
				}
				before = time.Since(start) / time.Duration(int(crops)*len(e.trials))
				a.count()
				if err := errors.Join(writeJSON(path, errs), t.plan.write(t.c.Folder)); err != nil {
					return err
				}
				t.c.log("evaluated", "ensemble", e.name, "crops", crops, "top-1 error", errs.Ensemble.Top1.Rate)
			}
			t.crop = append(t.crop, errs)
		}
	}
	a.Missing = ""
	return nil
}

func (t *trainer) cropErrors(ctx context.Context, e ensemble, crops vision.Crops) (CropErrors, error) {
	errs := CropErrors{Name: e.name, Crops: crops}
	var files []string
	for _, trial := range e.trials {
		files = append(files, trial.run().Model())
		errs.Networks = append(errs.Networks, trial.Arm.Name)
	}
	r, err := t.evaluate(ctx, files, evaluate.Options{Crops: crops, Limit: cropImages, Batch: 48})
	if err != nil {
		return errs, err
	}
	for _, row := range r.Rows {
		errs.Members = append(errs.Members, CropError{row.Top1, row.Top5})
	}
	last := len(errs.Members) - 1
	errs.Ensemble = errs.Members[last] // of one network, its own
	errs.Members = errs.Members[:len(files)]
	return errs, nil
}
