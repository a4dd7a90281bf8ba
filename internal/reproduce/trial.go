package reproduce

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

// An Arm is one of the sides that a stage compares: a network with its options.
type Arm struct {
	// Name is the report's, Key a part of file names.
	Name, Key      string
	Network        string
	Width          float64
	Blocks         []int     `json:",omitempty"`
	ResidualScales []float64 `json:",omitempty"`
	// MultiplyAdds are those of one image, Parameters the trainable ones.
	MultiplyAdds, Parameters int64
}

// A Trial is the training of one arm with one seed.
type Trial struct {
	Arm  *Arm
	Seed uint64
	// Rate is the first learning rate.
	Rate  float64
	Steps int
	// Treatment is how it departs from how all are trained.
	Treatment treatment
	// Points are the measurements on the way, the last one at the end.
	Points []Point
	// Curve is what each step told.
	Curve []Sample
	Time  time.Duration
	// Failure is why the training ended early: a loss that was no number.
	Failure string `json:",omitempty"`

	recipe recipe.Training
	folder string
	points int // of measurements in all
}

// A Point is one measurement on the way of a training.
type Point struct {
	Step  int
	Epoch float64
	// Top1 and Top5 are errors with the averaged parameters on a single crop, RawTop1 that
	// with the parameters themselves.
	Top1, Top5, RawTop1 score.Errors
	// Activation is the mean over images and channels of the last layer before the
	// average pooling, with the parameters themselves, and Zeros the share of an image's
	// channels that are zero everywhere.
	Activation, Zeros float64
}

// A treatment is what is tried against dying, or what lets it come. The zero value is
// neither.
type treatment struct {
	// WarmUp is how many steps the rate rises for, before the Steps that all make.
	WarmUp int `json:",omitempty"`
	// Unclipped is without a limit of the gradient's norm.
	Unclipped bool `json:",omitempty"`
}

// A Sample is of one step, on the distorted images of training.
type Sample struct {
	Epoch, Loss, GradientNorm float64
	// Top1 is the share of images that were classified rightly.
	Top1 float64
}

const (
	// batchSize is the paper's, of one replica.
	batchSize = 32
	// inputSize is the smallest that the networks take.
	inputSize = arch.MinSize
)

// Done tells whether nothing is left to do.
func (t *Trial) Done() bool { return t.Failure != "" || len(t.Points) == t.points }

func (t *Trial) file() string    { return filepath.Join(t.folder, "trial.json") }
func (t *Trial) run() rundir.Dir { return rundir.Dir(filepath.Join(t.folder, "run")) }

// last is the measurement at the end.
func (t *Trial) last() Point { return t.Points[len(t.Points)-1] }

// dead is the share of zeros from which a network is called dead.
const dead = 0.99

// Died tells whether the last layer before pooling has gone to zeros, or the loss was no
// number any more.
func (t *Trial) Died() bool { return t.Failure != "" || t.last().Zeros >= dead }

// Learned tells whether the network has not died, and is better than guessing on the images
// of the last quarter of its steps: by the whole interval.
func (t *Trial) Learned(classes int) bool {
	if t.Died() {
		return false
	}
	var wrong, images int
	for _, s := range t.Curve[3*len(t.Curve)/4:] {
		images += batchSize
		wrong += int((1-s.Top1)*batchSize + 0.5)
	}
	return score.ErrorsOf(wrong, images).High < 1-1/float64(classes)
}

// measure fills in the cost.
func (a *Arm) measure(classes int) error {
	network, err := arch.New(a.Network, arch.Options{Classes: classes, Width: a.Width, Blocks: a.Blocks, ResidualScales: a.ResidualScales})
	if err != nil {
		return err
	}
	d, err := network.Describe(inputSize, inputSize)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	a.MultiplyAdds, a.Parameters = d.MultiplyAdds, d.Parameters
	return nil
}

// recipeOf is what all trials share: the paper's optimiser and rate of decay (section 4), with
// the shorter memory of batch norm that a short training needs.
func (a *Arm) recipeOf(c Config, seed uint64, rate float64) recipe.Training {
	return recipe.Training{
		Network: a.Network, Width: a.Width, Blocks: a.Blocks, ResidualScales: a.ResidualScales,
		BatchNormDecay: 0.99, DropoutKeep: 0.8,
		Size: inputSize, Data: c.Data, Split: c.Train, Validation: recipe.Validation{Share: heldOut},
		Seed: seed, Epochs: endless, Batch: batchSize,
		Optimizer:    recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
		LearningRate: recipe.LearningRate{Initial: rate},
		WeightDecay:  4e-5, LabelSmoothing: 0.1,
		LogEvery: 1, SaveEvery: never, Keep: 1,
	}
}

const (
	// endless is more epochs than any trial has: the runs are stopped after their steps.
	endless = 1000
	// never lets a run save where it is stopped alone.
	never = 1000 * time.Hour
	// heldOut is the share of the images that a training validates on by itself, as small as
	// may be, since the trials are measured on the test split.
	heldOut = 0.01
)
