package predict_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// TestClassMaps expects of the five networks that a map's mean and the bias, which is
// generated apart, are the logit that classification gives.
func TestClassMaps(t *testing.T) {
	ctx := context.Background()
	for _, name := range arch.Names() {
		options := arch.Options{Classes: 7, Width: 0.125, Blocks: []int{1, 1, 1}}
		if name == "inception_v3" {
			options.Head = &arch.Head{Output: arch.OutputSigmoid, Hidden: []arch.HeadLayer{{DropoutKeep: 0.5}}}
		}
		path := golden.WriteWeights(t, name, options, weights.Native, weights.Metadata{Network: name, Options: options})
		c := open(t, predict.Config{Weights: path, Size: 139, Batch: 2})
		parameters, err := c.Network().Parameters()
		if err != nil {
			t.Fatal(err)
		}
		last := parameters[len(parameters)-1]
		if !strings.HasSuffix(last.Name, "/biases") {
			t.Fatalf("%s ends in %s", name, last.Name)
		}
		biases := golden.Parameter("", last.Name, last.Shape, false)
		images := []*vision.Image{picture(1, 150, 160), picture(2, 139, 139), picture(3, 300, 200)}
		results, err := c.Predict(ctx, images...)
		if err != nil {
			t.Fatal(err)
		}
		i, worst := 0, 0.0
		err = c.EachExplanation(ctx, slices.Values([]string{"0", "1", "2"}), func(name string, _ func(int64)) (*vision.Image, error) {
			return images[name[0]-'0'], nil
		}, func(e predict.Explanation) error {
			if e.Crop.Width != 139 || e.Maps.Height != 3 || e.Maps.Width != 3 {
				t.Errorf("%s: a map of %d x %d over %d pixels", name, e.Maps.Height, e.Maps.Width, e.Crop.Width)
			}
			for class, logit := range results[i].Logits {
				sum := 0.0
				for _, v := range e.Maps.Of(class) {
					sum += float64(v)
				}
				got := sum/float64(e.Maps.Height*e.Maps.Width) + float64(biases[class])
				worst = max(worst, math.Abs(got-float64(logit)), math.Abs(float64(e.Result.Logits[class]-logit)))
			}
			i++
			return nil
		})
		if err != nil || i != len(images) || worst > 1e-5 {
			t.Errorf("%s: %d explanations, at most %g from the logits, %v", name, i, worst, err)
		}
		t.Logf("%s: at most %.2g from the logits", name, worst)
	}
}

// TestOtherHeads expects heads whose maps would not be exact to be refused.
func TestOtherHeads(t *testing.T) {
	for want, head := range map[string]*arch.Head{
		"largest value": {Pooling: arch.PoolMax},
		"Hidden_1":      {Hidden: []arch.HeadLayer{{Units: 4, Activation: "relu"}}},
		"no logits":     {Output: arch.OutputFeatures},
	} {
		options := arch.Options{Classes: 7, Width: 0.125, Blocks: []int{1, 1, 1}, Head: head}
		path := golden.WriteWeights(t, "inception_v4", options, weights.Native, weights.Metadata{Network: "inception_v4", Options: options})
		c, err := predict.Open(context.Background(), cpubackend.New(t), predict.Config{Weights: path, Size: 75})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		wanted.Error(t, c.EachExplanation(context.Background(), slices.Values([]string{"x"}), nil, nil), want, "average pooling and one dense layer")
	}
}
