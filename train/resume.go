package train

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// restore takes up the last checkpoint, if there is one: all replicas have the first one's
// state then.
func (t *run) restore() error {
	text, err := t.recipe.Encode()
	if err != nil {
		return err
	}
	training, validation := fingerprintOf(t.data.training), fingerprintOf(t.data.validation)
	if err := t.sameImages(training, validation); err != nil {
		return err
	}
	t.steps = stepsOf(t.recipe, training.Images)
	if t.first() {
		if err := t.restoreFirst(training, validation); err != nil {
			return err
		}
		t.state.Data, t.state.Validation, t.state.Recipe = training, &validation, string(text)
		t.recordPartition()
	}
	if err := t.spread(); err != nil {
		return err
	}
	t.started, t.saved = t.state.Step, time.Now()
	return nil
}

// restoreFirst takes up the last checkpoint of the folder, if there is one.
func (t *run) restoreFirst(training, validation fingerprint) error {
	last, err := t.dir.LastCheckpoint()
	if err != nil {
		return err
	}
	if last != "" {
		if t.state, err = loadCheckpoint(last, t.step); err != nil {
			return err
		}
		if err := training.check(t.state.Data, "train on"); err != nil {
			return err
		}
		if begun := t.state.Validation; begun != nil {
			if err := validation.check(*begun, "validate on"); err != nil {
				return err
			}
		}
		if err := t.checkRecipe(); err != nil {
			return err
		}
		t.savedStep = t.state.Step
		t.log.Info("resumed", "step", t.state.Step)
	}
	return nil
}

// stepsOf is how many steps a recipe makes in all.
func stepsOf(r recipe.Training, images int) int {
	return int(math.Ceil(r.Epochs * float64(images) / float64(r.Batch)))
}

// checkRecipe refuses a recipe of which the steps that are made cannot be a part: what the
// run computes is then that of no recipe.
func (t *run) checkRecipe() error {
	if t.state.Recipe == "" { // of an older version of the program
		t.log.Warn("the checkpoint does not hold the recipe of its steps, so that changes of recipe.yaml are not noticed", "step", t.state.Step)
		return t.checkSteps(t.steps >= t.state.Step)
	}
	begun, err := recipe.ParseTraining([]byte(t.state.Recipe))
	if err != nil {
		return fmt.Errorf("the recipe in the last checkpoint: %w", err)
	}
	differences, err := t.recipe.Differences(begun)
	if err != nil {
		return err
	}
	var wrong []string
	goesOn := true
	for _, d := range differences {
		switch d.Key {
		case "data", "split", "label_offset", "validation.split", "validation.share":
			// What they lead to has been compared: the same images may lie elsewhere.
		case "recompute", "max_unreadable", "log_every", "save_every", "keep":
			// They do not change what a step computes.
		case "epochs":
			if t.recipe.LearningRate.Cosine {
				wrong = append(wrong, fmt.Sprintf("epochs %s, at whose end the cosine of the learning rate ends, found %s", d.Was, d.Is))
			}
			// The last step is validated as such, which one that is made cannot be any more.
			goesOn = t.steps > t.state.Step
		default:
			wrong = append(wrong, fmt.Sprintf("%s %s, found %s", d.Key, d.Was, d.Is))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s is not the recipe of the %d steps that the run has made: expected %s; set it back, or begin another run, with %s as its weights to go on from here",
			t.dir.Recipe(), t.state.Step, strings.Join(wrong, "; "), t.dir.Model())
	}
	return t.checkSteps(goesOn)
}

func (t *run) checkSteps(goesOn bool) error {
	if goesOn {
		return nil
	}
	return fmt.Errorf("%s has epochs %g, which are %d steps, expected more than the %d that the run has made; set it to more, or back to what it was",
		t.dir.Recipe(), t.recipe.Epochs, t.steps, t.state.Step)
}
