package reproduce

import (
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
)

// An Arm is one of the sides that an experiment compares: a network with its options.
type Arm struct {
	Name           string
	Network        string
	Width          float64
	Blocks         []int
	ResidualScales []float64
	// MultiplyAdds are those of one image, Parameters the trainable ones.
	MultiplyAdds, Parameters int64
}

// A Trial is the training of one arm with one seed.
type Trial struct {
	Arm    *Arm
	Seed   uint64
	Recipe recipe.Training
	// Points are the measurements on the way, the last one at the end.
	Points []Point
	// Averaged and Raw are files of weights: the running averages, and the parameters.
	Averaged, Raw string
	Time          time.Duration
	// Failure is why the training ended early: a loss that was no number.
	Failure error
}

// A Point is one measurement on the way of a training.
type Point struct {
	Step  int
	Epoch float64
	// Top1 and Top5 are errors with the averaged parameters on a single crop, RawTop1 that
	// with the parameters themselves.
	Top1, Top5, RawTop1 score.Errors
	// Loss is that on the distorted images of the last steps.
	Loss float64
	// Activation is the mean over images and channels of the last layer before the
	// average pooling, with the parameters themselves.
	Activation float64
}

// The two experiments' networks have the input of the smallest size, and single blocks.
const inputSize = arch.MinSize

// arms returns the two sides of an experiment, the claim's first. Those of the residual
// claim share the stem (figures 3, 9 and 15); the residual one's width is chosen so that
// its multiply-adds come nearest to the other's.
func arms(backend compute.Backend, claim Claim, classes int) ([2]*Arm, error) {
	if claim == Scaling {
		wide := Arm{Network: "inception_resnet_v2_paper", Width: 1, Blocks: []int{1, 2, 1}}
		scaled, unscaled := wide, wide
		scaled.Name, scaled.ResidualScales = "residuals times 0.17, 0.10, 0.20", []float64{0.17, 0.10, 0.20}
		unscaled.Name, unscaled.ResidualScales = "residuals times 1", []float64{1, 1, 1}
		for _, a := range []*Arm{&scaled, &unscaled} {
			if err := a.measure(classes); err != nil {
				return [2]*Arm{}, err
			}
		}
		return [2]*Arm{&scaled, &unscaled}, nil
	}
	plain := Arm{Name: "Inception-v4", Network: "inception_v4", Width: 0.25, Blocks: []int{1, 2, 1}}
	if err := plain.measure(classes); err != nil {
		return [2]*Arm{}, err
	}
	var best *Arm
	for width := 0.15; width < 0.5; width += 0.01 {
		a := &Arm{Name: "Inception-ResNet-v2", Network: "inception_resnet_v2_paper", Width: math.Round(100*width) / 100, Blocks: plain.Blocks}
		if err := a.measure(classes); err != nil {
			return [2]*Arm{}, err
		}
		if best == nil || distance(a, &plain) < distance(best, &plain) {
			best = a
		}
	}
	return [2]*Arm{best, &plain}, nil
}

// distance is how far the costs of two arms are apart.
func distance(a, b *Arm) float64 {
	return math.Abs(math.Log(float64(a.MultiplyAdds) / float64(b.MultiplyAdds)))
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

// recipeOf is how an arm is trained: the paper's optimiser (section 4), with the shorter
// memories that a short training needs.
func (a *Arm) recipeOf(c Config, seed uint64, epochs float64) recipe.Training {
	return recipe.Training{
		Network: a.Network, Width: a.Width, Blocks: a.Blocks, ResidualScales: a.ResidualScales,
		BatchNormDecay: 0.99, DropoutKeep: 0.8,
		Size: inputSize, Crop: 1, Distortion: recipe.ShiftDistortion,
		Data: c.Data, Split: c.Train, Validation: recipe.Validation{Share: heldOut},
		Seed: seed, Epochs: epochs, Batch: batchSize,
		Optimizer:    recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
		LearningRate: recipe.LearningRate{Initial: 0.1, WarmUp: epochs / 20, Cosine: true},
		ClipNorm:     10, WeightDecay: 4e-5, LabelSmoothing: 0.1,
		AverageDecay: 0.99, LogEvery: 5, Keep: 1,
	}
}

// batchSize is the paper's, of one replica.
const batchSize = 32
