package explain_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/explain"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// classifierOf writes generated weights and opens them.
func classifierOf(t *testing.T, name string, o arch.Options, config predict.Config) *predict.Classifier {
	t.Helper()
	config.Weights = golden.WriteWeights(t, name, o, weights.Native, weights.Metadata{Network: name, Options: o})
	c, err := predict.Open(context.Background(), cpubackend.New(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func small(classes int) arch.Options {
	return arch.Options{Classes: classes, Width: 0.125, Blocks: []int{1, 1, 1}}
}

// explained explains images by a method, which must suit.
func explained(t *testing.T, c *predict.Classifier, m explain.Method, class int, images ...*vision.Image) []explain.Explanation {
	t.Helper()
	ctx := context.Background()
	e, err := explain.Open(ctx, c, m)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*vision.Image{}
	var names []string
	for i, image := range images {
		names = append(names, string(rune('a'+i)))
		byName[names[i]] = image
	}
	var all []explain.Explanation
	err = e.Each(ctx, class, slices.Values(names), func(name string, _ func(int64)) (*vision.Image, error) { return byName[name], nil },
		func(x explain.Explanation) error {
			all = append(all, x)
			return x.Err
		})
	if err != nil || len(all) != len(images) {
		t.Fatalf("%T: %d explanations of %d images, %v", m, len(all), len(images), err)
	}
	return all
}

// picture is one of colours that follow from a number, with edges.
func picture(number, width, height int) *vision.Image {
	m := &vision.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	for i := range m.Pix {
		x, y := i/3%width, i/3/width
		m.Pix[i] = uint8(x*number + y*(3+i%3) + 90*(x/30%2))
	}
	return m
}

// TestClassActivation expects of the five networks that a map's mean and the bias, which is
// generated apart, are the logit that classification gives.
func TestClassActivation(t *testing.T) {
	ctx := context.Background()
	for _, name := range arch.Names() {
		options := small(7)
		if name == "inception_v3" {
			options.Head = &arch.Head{Output: arch.OutputSigmoid, Hidden: []arch.HeadLayer{{DropoutKeep: 0.5}}}
		}
		c := classifierOf(t, name, options, predict.Config{Size: 139, Batch: 2})
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
		worst := 0.0
		for class, bias := range biases {
			for i, x := range explained(t, c, explain.ClassActivation{}, class, images...) {
				if x.Crop.Width != 139 || x.Map.Height != 3 || x.Map.Width != 3 || x.Class.Index != class {
					t.Errorf("%s: a map of %d x %d over %d pixels of class %d", name, x.Map.Height, x.Map.Width, x.Crop.Width, x.Class.Index)
				}
				logit := float64(results[i].Logits[class])
				mean := x.Map.Sum() / float64(len(x.Map.Values))
				worst = max(worst, math.Abs(mean+float64(bias)-logit), math.Abs(float64(x.Class.Logit)-logit), math.Abs(x.Parts[1].Value-float64(bias)))
			}
		}
		if worst > 1e-5 {
			t.Errorf("%s: at most %g from the logits", name, worst)
		}
		t.Logf("%s: at most %.2g from the logits", name, worst)
		if most := explained(t, c, explain.ClassActivation{}, explain.MostLikely, images[0])[0]; most.Place != 1 || most.Class.Index != results[0].Top(1)[0].Index {
			t.Errorf("%s: explained %+v, place %d", name, most.Class, most.Place)
		}
	}
}

// captum is what testdata/explain.py wrote of maps.
type captum struct {
	Side, Steps, Window, Stride int
	Networks                    map[string]struct {
		Target          int
		Logit, Baseline float64
		Maps            map[string]struct {
			Shape   []int
			Sum, L2 float64
			At      []int
			Values  []float64
			Error   float64 `json:"float32_error"`
		}
	}
}

// TestCaptum compares maps with those that Captum makes in PyTorch, in float64, of the same
// parameters and image.
func TestCaptum(t *testing.T) {
	data, err := os.ReadFile("testdata/maps.json")
	if err != nil {
		t.Fatal(err)
	}
	var file captum
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	// In float32 rounding decides for another ReLU or maximum here and there, and gradients with
	// respect to pixels follow: PyTorch's do, in some images more than in others.
	worst := 0.0
	for _, n := range file.Networks {
		worst = max(worst, n.Maps["integrated-gradients"].Error)
	}
	for name, want := range file.Networks {
		c := classifierOf(t, name, arch.Options{}, predict.Config{Size: file.Side, Crop: 1, Batch: 5})
		image := &vision.Image{Width: file.Side, Height: file.Side}
		uniform := make([]float64, file.Side*file.Side*3)
		golden.Uniform("input", uniform)
		for _, u := range uniform {
			image.Pix = append(image.Pix, uint8(256*u))
		}
		for method, m := range want.Maps {
			kind, layer, _ := strings.Cut(method, " ")
			by := map[string]explain.Method{
				"grad-cam":             explain.GradCAM{Layer: layer},
				"integrated-gradients": explain.IntegratedGradients{Steps: file.Steps},
				"occlusion":            explain.Occlusion{Window: file.Window, Stride: file.Stride},
				"gradient":             explain.SmoothGrad{Samples: 1, Noise: 1e-7},
			}[kind]
			got := explained(t, c, by, explain.MostLikely, image)[0]
			if got.Class.Index != want.Target || math.Abs(float64(got.Class.Logit)-want.Logit) > 1e-3 {
				t.Fatalf("%s: class %d with logit %g, want %d with %g", name, got.Class.Index, got.Class.Logit, want.Target, want.Logit)
			}
			if kind == "integrated-gradients" && math.Abs(got.Parts[1].Value-want.Baseline) > 1e-3 {
				t.Errorf("%s: the baseline's logit is %g, want %g", name, got.Parts[1].Value, want.Baseline)
			}
			if !slices.Equal(m.Shape, []int{got.Map.Height, got.Map.Width}) {
				t.Fatalf("%s: %s: %d x %d, want %v", name, method, got.Map.Height, got.Map.Width, m.Shape)
			}
			var difference, size, whole float64
			for i, at := range m.At {
				d := float64(got.Map.Values[at]) - m.Values[i]
				difference, size = difference+d*d, size+m.Values[i]*m.Values[i]
			}
			for _, v := range got.Map.Values {
				whole += float64(v) * float64(v)
			}
			relative := math.Sqrt(difference / size)
			t.Logf("%s: %s: %.2g of Captum's", name, method, relative)
			bound := 1e-4
			if kind == "integrated-gradients" || kind == "gradient" {
				bound = 4 * worst
			}
			if relative > bound || math.Abs(math.Sqrt(whole)/m.L2-1) > bound || math.Abs(got.Map.Sum()-m.Sum) > bound*math.Abs(m.Sum) {
				t.Errorf("%s: %s: %g from Captum's relative to their size, norm %g, want %g, sum %g, want %g", name, method, relative, math.Sqrt(whole), m.L2, got.Map.Sum(), m.Sum)
			}
		}
	}
}

// TestCompleteness expects the sum of integrated gradients to be the difference of the logits of
// image and baseline, and the parts to make up the logit.
func TestCompleteness(t *testing.T) {
	for i, name := range arch.Names() {
		c := classifierOf(t, name, small(5), predict.Config{Size: 107, Batch: 8})
		black := &vision.Image{Width: 107, Height: 107, Pix: make([]uint8, 3*107*107)}
		results, err := c.Predict(context.Background(), black)
		if err != nil {
			t.Fatal(err)
		}
		x := explained(t, c, explain.IntegratedGradients{}, explain.MostLikely, picture(2+i, 160, 120))[0]
		difference := float64(x.Class.Logit) - float64(results[0].Logits[x.Class.Index])
		residual := math.Abs(x.Map.Sum()-difference) / math.Abs(difference)
		t.Logf("%s: %.2g left over of %.3g", name, residual, difference)
		if residual > explain.MostResidual || math.Abs(residual-x.Parts.Residual()) > 1e-4 {
			t.Errorf("%s: %g left over of %g, and %g is said", name, residual, difference, x.Parts.Residual())
		}
		if sum := x.Parts[0].Value + x.Parts[1].Value + x.Parts[2].Value; math.Abs(sum-float64(x.Class.Logit)) > 1e-5 {
			t.Errorf("%s: the parts %v are not %g", name, x.Parts, x.Class.Logit)
		}
	}
}

// TestGradCAMOfExactHeads expects Grad-CAM of the last block to be what class activation maps have
// above 0, divided by the number of cells, and other heads to be explained too.
func TestGradCAMOfExactHeads(t *testing.T) {
	c := classifierOf(t, "inception_v4", small(5), predict.Config{Size: 139, Batch: 2})
	images := []*vision.Image{picture(1, 150, 160), picture(2, 139, 139), picture(3, 300, 200)}
	exact := explained(t, c, explain.ClassActivation{}, 3, images...)
	for i, x := range explained(t, c, explain.GradCAM{}, 3, images...) {
		for at, v := range x.Map.Values {
			if want := max(exact[i].Map.Values[at], 0) / 9; math.Abs(float64(v-want)) > 1e-5 {
				t.Errorf("cell %d is %g, want %g", at, v, want)
			}
		}
	}
	hidden := small(5)
	hidden.Head = &arch.Head{Pooling: arch.PoolMax, Hidden: []arch.HeadLayer{{Units: 4, Activation: "relu"}}}
	c = classifierOf(t, "inception_v4", hidden, predict.Config{Size: 139})
	if x := explained(t, c, explain.GradCAM{Layer: "Mixed_6a"}, 0, images[0])[0]; x.Map.Height != 7 || x.Map.Signed {
		t.Errorf("the map is %+v", x.Map)
	}
}

// TestSmoothGrad expects noise that follows from the seed alone, and more of it to count.
func TestSmoothGrad(t *testing.T) {
	c := classifierOf(t, "inception_resnet_v1", small(5), predict.Config{Size: 75, Batch: 4})
	images := []*vision.Image{picture(1, 80, 90), picture(2, 75, 75)}
	of := func(m explain.SmoothGrad) []float32 { return explained(t, c, m, 1, images...)[1].Map.Values }
	first := of(explain.SmoothGrad{Samples: 6})
	alone := explained(t, c, explain.SmoothGrad{Samples: 6}, 1, images[1])[0].Map.Values
	if !slices.Equal(first, alone) {
		t.Error("another photograph before it changes a map")
	}
	for _, m := range []explain.SmoothGrad{{Samples: 6, Seed: 1}, {Samples: 7}, {Samples: 6, Noise: 0.3}} {
		if slices.Equal(first, of(m)) {
			t.Errorf("%+v changes nothing", m)
		}
	}
	if slices.Min(first) < 0 {
		t.Error("a value is below 0")
	}
}

// TestRefused expects methods that do not suit, and numbers out of range, to be refused.
func TestRefused(t *testing.T) {
	ctx := context.Background()
	for want, head := range map[string]*arch.Head{
		"largest value": {Pooling: arch.PoolMax},
		"Hidden_1":      {Hidden: []arch.HeadLayer{{Units: 4, Activation: "relu"}}},
		"no classes":    {Output: arch.OutputFeatures},
	} {
		o := small(5)
		o.Head = head
		_, err := explain.Open(ctx, classifierOf(t, "inception_v4", o, predict.Config{Size: 75}), explain.ClassActivation{})
		wanted.Error(t, err, want)
	}
	c := classifierOf(t, "inception_v3", small(5), predict.Config{Size: 75})
	for _, r := range []struct {
		method explain.Method
		want   []string
	}{
		{explain.GradCAM{Layer: "Mixed_9a"}, []string{`"Mixed_9a"`, "Conv2d_1a_3x3, ", "Mixed_7"}},
		{explain.GradCAM{Layer: "PreLogits"}, []string{`"PreLogits"`, "with a grid"}},
		{explain.Occlusion{Window: 76}, []string{"from 1 to 75", "76"}},
		{explain.Occlusion{Window: 10, Stride: 11}, []string{"from 1 to 10", "no gaps", "11"}},
		{explain.IntegratedGradients{Steps: -1}, []string{"at least 1 step", "-1"}},
		{explain.SmoothGrad{Samples: -1}, []string{"at least 1 sample", "-1"}},
		{explain.SmoothGrad{Noise: 1.5}, []string{"(0,1]", "1.5"}},
	} {
		_, err := explain.Open(ctx, c, r.method)
		wanted.Error(t, err, r.want...)
	}
	e, err := explain.Open(ctx, c, explain.GradCAM{})
	if err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, e.Each(ctx, 5, slices.Values([]string{"x"}), nil, nil), "class 5", "5, from 0")
	rough := classifierOf(t, "inception_v3", small(5), predict.Config{Size: 75, Precision: arch.BFloat16})
	for _, m := range []explain.Method{explain.GradCAM{}, explain.IntegratedGradients{}, explain.SmoothGrad{}} {
		_, err := explain.Open(ctx, rough, m)
		wanted.Error(t, err, "bfloat16", "need float32", "occlusion")
	}
}
