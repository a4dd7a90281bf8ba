package reproduce

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// The stage depth takes Inception-ResNet-v2 from few blocks to the released network's, and to
// twice the width, with the scales of residuals from 1 down to the paper's: a network dies of
// depth within a hundred steps, where of width it takes tens of thousands. The rate is
// constant.

// A family is a size of network, of which each scale of residuals is an arm.
type family struct {
	blocks []int
	width  float64
}

// sizes are in the order in which they matter, which is that of their work.
func sizes() []family {
	return []family{
		{[]int{10, 20, 10}, 0.25}, {[]int{5, 10, 5}, 0.25}, {[]int{1, 2, 1}, 0.25}, {[]int{2, 4, 2}, 0.25}, {[]int{5, 10, 5}, 0.5},
	}
}

// scales are of the residuals: none, and the ends of what the paper recommends.
func scales() []float64 { return []float64{1, 0.3, 0.1} }

const (
	// leastSeeds is how many trials of each arm there are at least at the paper's rate.
	leastSeeds = 5
	// leastSteps and mostSteps bound what a trial makes.
	leastSteps, mostSteps = 24, 240
	// bisections is about how many more trials a boundary takes.
	bisections = 4
	// widest is how many octaves from the paper's rate a boundary is looked for.
	widest = 6
	// near is how many octaves a boundary is bisected to.
	near = 0.5
)

func (f family) arm(scale float64) *Arm {
	b := f.blocks
	return &Arm{
		Name:    fmt.Sprintf("%d, %d, %d blocks, width %g, residuals times %g", b[0], b[1], b[2], f.width, scale),
		Key:     fmt.Sprintf("%d-%d-%d-w%g-s%g", b[0], b[1], b[2], f.width, scale),
		Network: "inception_resnet_v2_paper", Width: f.width, Blocks: b, ResidualScales: []float64{scale, scale, scale},
	}
}

// A Boundary is between the learning rates at which an arm learns and those at which it
// does not.
type Boundary struct {
	Arm  *Arm
	Seed uint64
	// Learns is the largest rate at which it learns and Fails a rate above, at which it does
	// not; Learns is 0 where no rate was found, and Fails is where none was.
	Learns, Fails float64
}

// octaves is the boundary above the paper's rate, between Learns and Fails.
func (b Boundary) octaves() float64 {
	switch {
	case b.Learns == 0:
		return -widest
	case b.Fails == 0:
		return widest
	}
	return math.Log2(math.Sqrt(b.Learns*b.Fails) / paperRate)
}

// ofDepth trains an arm for few steps.
func (a *Arm) ofDepth(t *trainer, seed uint64, rate float64, how treatment) recipe.Training {
	r := a.recipeOf(t.c, seed, rate)
	r.BatchNormDecay = 0.9
	r.Crop, r.Distortion = 1, recipe.ShiftDistortion
	r.LearningRate.WarmUp = float64(how.WarmUp*batchSize) / float64(t.images)
	if !how.Unclipped {
		r.ClipNorm = 10
	}
	return r
}

// depth makes the trials at the paper's rate, those with a warm-up, and those that bisect.
func (t *trainer) depth(ctx context.Context, a *account) error {
	return t.depthOf(ctx, a, sizes(), scales(), max(leastSeeds, t.c.Seeds))
}

func (t *trainer) depthOf(ctx context.Context, a *account, sizes []family, scales []float64, seeds int) error {
	a.Missing = "none of the trainings over depth was made"
	grid := make([][]*Arm, len(sizes)) // [size][scale]
	var first []*Arm
	for i, f := range sizes {
		for _, scale := range scales {
			arm := f.arm(scale)
			if err := arm.measure(t.classes); err != nil {
				return err
			}
			grid[i] = append(grid[i], arm)
		}
		first = append(first, grid[i][0])
	}
	if err := t.speeds(ctx, a, first, func(arm *Arm) recipe.Training { return arm.ofDepth(t, 1, paperRate, treatment{}) }); err != nil {
		return err
	}
	for i := range grid { // scales cost nothing
		for _, arm := range grid[i] {
			a.Speeds[arm.Key] = a.Speeds[grid[i][0].Key]
		}
	}
	if a.Steps == 0 {
		t.planDepth(a, first, len(scales), seeds)
	}
	same := func(missing string, how treatment, arms ...*Arm) error {
		a.Missing = missing
		for seed := range uint64(seeds) {
			for _, arm := range arms {
				if _, err := t.short(ctx, a, arm, seed+1, paperRate, how); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for i := range grid {
		if err := same("not all trainings at the paper's rate were made", treatment{}, grid[i]...); err != nil {
			return err
		}
	}
	if err := same("not all trainings without clipping were made", treatment{Unclipped: true}, grid[0]...); err != nil {
		return err
	}
	if err := same("not all trainings with a warm-up were made", treatment{WarmUp: a.Steps / 2}, grid[0][0]); err != nil {
		return err
	}
	for seed := range uint64(t.c.Seeds) {
		a.Missing = fmt.Sprintf("the boundaries of %d of %d seeds were bisected", seed, t.c.Seeds)
		for i := range grid {
			for _, arm := range grid[i] {
				b, err := t.bisect(ctx, a, arm, seed+1)
				if err != nil {
					return err
				}
				t.boundaries = append(t.boundaries, b)
			}
		}
	}
	a.Missing = ""
	return nil
}

// planDepth chooses how many steps fit into the budget.
func (t *trainer) planDepth(a *account, first []*Arm, scales, seeds int) {
	each := time.Duration(scales * (seeds + bisections*t.c.Seeds))
	var fixed, perStep time.Duration // of all
	for _, arm := range first {
		s := a.Speeds[arm.Key]
		fixed += each * s.Part
		perStep += each * s.Step
	}
	deepest, more := a.Speeds[first[0].Key], time.Duration(seeds*(scales+1))
	fixed += more * deepest.Part
	perStep += more*deepest.Step + time.Duration(seeds)*deepest.Step/2
	a.Steps = min(mostSteps, max(leastSteps, int((time.Duration(trainingShare*float64(a.Budget-a.Spent))-fixed)/perStep)))
	a.Predicted = a.Spent + fixed + time.Duration(a.Steps)*perStep
	t.c.log("plans", "stage", "depth", "trainings", int(each)*len(first)+int(more), "steps", a.Steps, "time", a.Predicted.Round(time.Second))
}

// folderOf is where a short trial is kept, below the folder of all.
func folderOf(arm *Arm, seed uint64, rate float64, how treatment) string {
	name := fmt.Sprintf("%s-r%.4g", arm.Key, rate)
	if how.WarmUp > 0 {
		name += "-warm"
	}
	if how.Unclipped {
		name += "-unclipped"
	}
	return filepath.Join("depth", fmt.Sprintf("%s-%d", name, seed))
}

// short makes a trial of few steps, which follow those of a warm-up.
func (t *trainer) short(ctx context.Context, a *account, arm *Arm, seed uint64, rate float64, how treatment) (*Trial, error) {
	trial := &Trial{
		Arm: arm, Seed: seed, Rate: rate, Steps: a.Steps + how.WarmUp, Treatment: how, recipe: arm.ofDepth(t, seed, rate, how), points: 1,
		folder: folderOf(arm, seed, rate, how),
	}
	if err := t.trial(ctx, a, trial); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(t.family, func(other *Trial) bool { return other.folder == trial.folder }); i >= 0 {
		return t.family[i], nil
	}
	t.family = append(t.family, trial)
	return trial, t.forget(trial)
}

// bisect looks for the largest rate at which an arm learns, by factors of 4 up or down from
// the paper's, and between them to within half an octave.
func (t *trainer) bisect(ctx context.Context, a *account, arm *Arm, seed uint64) (Boundary, error) {
	b := Boundary{Arm: arm, Seed: seed}
	at := func(octaves float64) float64 { return paperRate * math.Exp2(octaves) }
	learns := func(octaves float64) (bool, error) {
		trial, err := t.short(ctx, a, arm, seed, at(octaves), treatment{})
		return err == nil && trial.Learned(t.classes), err
	}
	low, high, err := bracket(learns, 2, widest)
	for err == nil && !math.IsInf(low, 0) && !math.IsInf(high, 0) && high-low > near {
		var ok bool
		middle := (low + high) / 2
		if ok, err = learns(middle); ok {
			low = middle
		} else {
			high = middle
		}
	}
	if !math.IsInf(low, 0) {
		b.Learns = at(low)
	}
	if !math.IsInf(high, 0) {
		b.Fails = at(high)
	}
	return b, err
}

// bracket steps from 0, up while something holds or down while it does not, until it
// changes: it holds at low and not at high. Infinities are ends that are not within a limit.
func bracket(holds func(float64) (bool, error), step, limit float64) (low, high float64, err error) {
	low, high = math.Inf(-1), math.Inf(1)
	start, err := holds(0)
	if !start {
		step = -step
	}
	for at := 0.0; err == nil; {
		var ok bool
		if at == 0 {
			ok = start
		} else if ok, err = holds(at); err != nil {
			break
		}
		if ok {
			low = at
		} else {
			high = at
		}
		if ok != start || math.Abs(at+step) > limit {
			break
		}
		at += step
	}
	return low, high, err
}
