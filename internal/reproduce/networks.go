package reproduce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// The stage networks trains the four networks of figures 21 to 26, narrow, under the paper's
// own section 4: each residual network as wide as makes it cost what its counterpart does.
// The rate falls as slowly as the paper's, so that it is high wherever is measured.

// paperRate is the paper's learning rate.
const paperRate = 0.045

// points is how often a trial is measured on its way.
const points = 8

// trainingShare is the part of a budget that is planned for; the rest is for what other
// work on the machine takes.
const trainingShare = 0.85

// A pairing is a network without residual connections and the residual one that the paper
// compares it with.
type pairing struct {
	plain, residual Arm
}

func pairings() []pairing {
	blocks := []int{1, 2, 1}
	return []pairing{
		{Arm{Name: "Inception-v3", Network: "inception_v3", Width: 0.25, Blocks: blocks},
			Arm{Name: "Inception-ResNet-v1", Network: "inception_resnet_v1", Blocks: blocks}},
		{Arm{Name: "Inception-v4", Network: "inception_v4", Width: 0.25, Blocks: blocks},
			Arm{Name: "Inception-ResNet-v2", Network: "inception_resnet_v2_paper", Blocks: blocks}},
	}
}

// arms are those of all pairings, the plain ones before their residual ones.
func arms(all []pairing, classes int) ([]*Arm, error) {
	var arms []*Arm
	for _, p := range all {
		plain := p.plain
		if err := plain.measure(classes); err != nil {
			return nil, err
		}
		var best *Arm
		for width := 0.10; width < 0.5; width += 0.01 {
			a := p.residual
			a.Width = math.Round(100*width) / 100
			if err := a.measure(classes); err != nil {
				return nil, err
			}
			if best == nil || distance(&a, &plain) < distance(best, &plain) {
				best = &a
			}
		}
		arms = append(arms, &plain, best)
	}
	for _, a := range arms {
		a.Key = a.Network
	}
	return arms, nil
}

// distance is how far the costs of two arms are apart.
func distance(a, b *Arm) float64 {
	return math.Abs(math.Log(float64(a.MultiplyAdds) / float64(b.MultiplyAdds)))
}

// ofPaper trains an arm as section 4 says.
func (a *Arm) ofPaper(c Config, seed uint64) recipe.Training {
	r := a.recipeOf(c, seed, paperRate)
	r.Crop, r.Distortion = 0.875, recipe.FullDistortion
	r.LearningRate.Staircase = &recipe.Staircase{Factor: 0.94, Epochs: 2}
	r.AverageDecay = 0.9999
	return r
}

// networks trains each arm with all seeds, all for the same number of steps.
func (t *trainer) networks(ctx context.Context, a *account) error {
	arms, err := arms(pairings(), t.classes)
	if err != nil {
		return err
	}
	return t.networksOf(ctx, a, arms)
}

func (t *trainer) networksOf(ctx context.Context, a *account, arms []*Arm) error {
	a.Missing = fmt.Sprintf("of no seed all %d networks were trained", len(arms))
	if err := t.speeds(ctx, a, arms, func(arm *Arm) recipe.Training { return arm.ofPaper(t.c, 1) }); err != nil {
		return err
	}
	if a.Steps == 0 {
		var fixed, perStep time.Duration // of one seed of all arms
		for _, arm := range arms {
			s := a.Speeds[arm.Key]
			fixed += points * s.Part
			perStep += s.Step
		}
		each := time.Duration(trainingShare*float64(a.Budget-a.Spent))/time.Duration(t.c.Seeds) - fixed
		a.Steps = max(int(each/perStep), points)
		a.Predicted = a.Spent + time.Duration(t.c.Seeds)*(fixed+time.Duration(a.Steps)*perStep)
		t.c.log("plans", "stage", "networks", "trainings", len(arms)*t.c.Seeds, "steps", a.Steps, "epochs", float64(a.Steps*batchSize)/float64(t.images), "time", a.Predicted.Round(time.Second))
	}
	for seed := range uint64(t.c.Seeds) {
		var row []*Trial
		for _, arm := range arms {
			trial := &Trial{
				Arm: arm, Seed: seed + 1, Rate: paperRate, Steps: a.Steps, recipe: arm.ofPaper(t.c, seed+1), points: points,
				folder: filepath.Join("networks", fmt.Sprintf("%s-%d", arm.Key, seed+1)),
			}
			if err := t.trial(ctx, a, trial); err != nil {
				if errors.Is(err, errSpent) && seed > 0 {
					a.Missing = fmt.Sprintf("%d of %d seeds were trained", seed, t.c.Seeds)
				}
				return err
			}
			row = append(row, trial)
		}
		t.pairs = append(t.pairs, row...) // whole seeds, so that their differences are paired
	}
	a.Missing = ""
	return nil
}
