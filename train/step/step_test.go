package step

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// smallRecipe trains the smallest network that has all kinds of layers.
func smallRecipe() recipe.Training {
	return recipe.Training{
		Network: "inception_resnet_v1", Width: 0.05, Blocks: []int{1, 1, 1}, BatchNormDecay: 0.8,
		Size: 75, Seed: 7, Batch: 6,
		Optimizer: recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
		ClipNorm:  2, WeightDecay: 4e-5, LabelSmoothing: 0.1, AverageDecay: 0.9,
	}
}

// networkOf returns a recipe's network for three classes, with its parameters.
func networkOf(t testing.TB, r recipe.Training, o Options) (*arch.Network, Parameters) {
	t.Helper()
	return networkWithHead(t, r, o, nil)
}

func networkWithHead(t testing.TB, r recipe.Training, o Options, head *arch.Head) (*arch.Network, Parameters) {
	t.Helper()
	network, err := arch.New(r.Network, arch.Options{
		Classes: 3, Width: r.Width, Blocks: r.Blocks, DropoutKeep: r.DropoutKeep, BatchNormDecay: r.BatchNormDecay, Recompute: r.Recompute,
		Precision: arch.Precision(r.Precision), LeaveStatistics: o.LeavesStatistics(), Head: head,
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := network.Describe(r.Size, r.Size)
	if err != nil {
		t.Fatal(err)
	}
	return network, Divide(d.Tensors, func(string) bool { return false })
}

// newStep returns a step for three classes with random values.
func newStep(t testing.TB, backend compute.Backend, r recipe.Training, o Options) *Step {
	t.Helper()
	return newStepWithHead(t, backend, r, o, nil)
}

func newStepWithHead(t testing.TB, backend compute.Backend, r recipe.Training, o Options, head *arch.Head) *Step {
	t.Helper()
	network, parameters := networkWithHead(t, r, o, head)
	s, err := New(backend, network, r.Resolved(), parameters, func(dst []float32, p arch.Parameter) error {
		InitialValues(dst, p, r.Seed)
		return nil
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestMicroBatchesAverage compares a batch of two equal halves with the half alone.
func TestMicroBatchesAverage(t *testing.T) {
	backend := cpubackend.New(t)
	whole := smallRecipe()
	whole.DropoutKeep = 1
	parts := whole
	whole.Batch, parts.Batch, parts.MicroBatches = 4, 8, 2
	images, labels := pictures(4)
	a, b := newStep(t, backend, whole, Options{}), newStep(t, backend, parts, Options{})
	want, err := a.Apply(0, images, labels, 0.1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Accumulate(0, 0, images, labels); err != nil {
		t.Fatal(err)
	}
	got, err := b.Apply(0, images, labels, 0.1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.GradientNorm-want.GradientNorm) > 1e-5*want.GradientNorm {
		t.Errorf("the gradient of two halves has L2 %g, want that of one, %g", got.GradientNorm, want.GradientNorm)
	}
	// The sums begin anew in the next step.
	for _, p := range b.parameters.Trained {
		sums, err := b.values(gradientScope, p)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(sums, func(v float32) bool { return v != 0 }) {
			t.Fatalf("the gradient sums of %s are not zero after the step", p.Name)
		}
	}
}

// TestUpdate takes the step apart: with plain gradient descent at a rate of 1, what is
// subtracted is the clipped gradient itself.
func TestUpdate(t *testing.T) {
	backend := cpubackend.New(t)
	plain := smallRecipe()
	plain.Optimizer, plain.ClipNorm, plain.WeightDecay = recipe.Optimizer{SGD: &recipe.SGD{}}, 0, 0
	images, labels := pictures(6)
	const decay = 0.75
	apply := func(r recipe.Training) (s *Step, norm float64, change map[string][]float64) {
		s = newStep(t, backend, r, Options{})
		before := valuesIn(t, s, "")
		o, err := s.Apply(0, images, labels, 1, decay)
		if err != nil {
			t.Fatal(err)
		}
		change = map[string][]float64{}
		for name, values := range valuesIn(t, s, "") {
			for i, v := range values {
				change[name] = append(change[name], float64(before[name][i])-float64(v))
			}
		}
		return s, o.GradientNorm, change
	}
	s, norm, change := apply(plain)
	if got := l2Of(s, change); math.Abs(got-norm) > 1e-4*norm {
		t.Errorf("the step has L2 %g, the gradient %g", got, norm)
	}

	clipped := plain
	clipped.ClipNorm = norm / 4
	c, sameNorm, clippedChange := apply(clipped)
	if math.Abs(sameNorm-norm) > 1e-6*norm {
		t.Errorf("the norm before clipping is %g, want %g", sameNorm, norm)
	}
	if got := l2Of(c, clippedChange); math.Abs(got-norm/4) > 1e-4*norm {
		t.Errorf("clipped to %g, the step has L2 %g", norm/4, got)
	}
	clipped.ClipNorm = 2 * norm
	c, _, clippedChange = apply(clipped)
	if got := l2Of(c, clippedChange); math.Abs(got-norm) > 1e-4*norm {
		t.Errorf("with a limit above it, the step has L2 %g, want %g", got, norm)
	}

	decayed := plain
	decayed.WeightDecay = 0.01
	d, _, decayedChange := apply(decayed)
	initial := valuesIn(t, newStep(t, backend, plain, Options{}), "")
	for _, p := range d.parameters.Trained {
		factor := 0.0
		if strings.HasSuffix(p.Name, "/weights") {
			factor = 0.01
		}
		for i, v := range decayedChange[p.Name] {
			if want := change[p.Name][i] + factor*float64(initial[p.Name][i]); math.Abs(v-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("with weight decay, %g is subtracted from %s at %d, want %g", v, p.Name, i, want)
			}
		}
	}

	after, average := valuesIn(t, s, ""), valuesIn(t, s, averageScope)
	if len(average) != len(initial) {
		t.Errorf("there are averages of %d parameters, want all %d", len(average), len(initial))
	}
	for name, values := range average {
		for i, v := range values {
			if want := decay*float64(initial[name][i]) + (1-decay)*float64(after[name][i]); math.Abs(float64(v)-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("the average of %s is %g at %d, want %g", name, v, i, want)
			}
		}
	}
}

func l2Of(s *Step, change map[string][]float64) float64 {
	sum := 0.0
	for _, p := range s.parameters.Trained {
		for _, v := range change[p.Name] {
			sum += v * v
		}
	}
	return math.Sqrt(sum)
}

func valuesIn(t *testing.T, s *Step, scope string) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range s.parameters.All {
		values, err := s.values(scope, p)
		if err != nil {
			t.Fatal(err)
		}
		all[p.Name] = values
	}
	return all
}

// pictures are the input for n images of three classes, made of waves.
func pictures(n int) ([]float32, []int32) {
	const side = 75
	images, labels := make([]float32, n*side*side*3), make([]int32, n)
	for i := range images {
		images[i] = float32(math.Sin(float64(i) * 0.37 * float64(1+i/(side*side*3))))
	}
	for i := range labels {
		labels[i] = int32(i % 3)
	}
	return images, labels
}

// TestCheckGradients makes the decay of one parameter's weights overflow.
func TestCheckGradients(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe()
	r.WeightDecay = 1e3
	network, parameters := networkOf(t, r, Options{})
	const large = "InceptionResnetV1/Conv2d_4a_3x3/weights"
	s, err := New(backend, network, r.Resolved(), parameters, func(dst []float32, p arch.Parameter) error {
		InitialValues(dst, p, r.Seed)
		if p.Name == large {
			for i := range dst {
				dst[i] *= 1e18 // which batch norm divides by
			}
		}
		return nil
	}, Options{CheckGradients: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	images, labels := pictures(4)
	o, err := s.Apply(0, images, labels, 0.1, 0)
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	if err != nil || o.NotFinite != large || !finite(o.Loss) || finite(o.GradientNorm) {
		t.Errorf("loss %g, norm %g, not finite %q, error %v, want only the gradient of %s to overflow", o.Loss, o.GradientNorm, o.NotFinite, err, large)
	}
}

func TestNewRefuses(t *testing.T) {
	r := smallRecipe()
	network, parameters := networkOf(t, r, Options{})
	if _, err := New(cpubackend.New(t), network, r, parameters, nil, Options{}); err == nil || !strings.Contains(err.Error(), "resolved") {
		t.Errorf("a recipe that is not resolved: %v", err)
	}
}
