package arch_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// roundsMore is how many times as far from the reference as PyTorch's float32 gradients may
// be of what rounds more than sums of products have to.
const roundsMore = 10

// TestGoldenTraining compares logits, batch statistics, gradients and a few steps of
// RMSProp with the foreign reference. It computes in float64, and says what float32
// would make of the same: these networks amplify rounding. The bound is three times
// that, for a loss three times the largest so far, ten times with Winograd's algorithm,
// which rounds more, and at least 1e-3. A gradient is further off if an input of ReLU that
// is within rounding of zero falls to the other side of it, which no arithmetic rules out.
func TestGoldenTraining(t *testing.T) {
	for config, times := range map[string]float64{"winograd=off": 3, "winograd=on": roundsMore} {
		backend, err := engine.New(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range arch.Names() {
			t.Run(name+"/"+config, func(t *testing.T) {
				testGoldenTraining(t, backend, name, times, 0)
			})
		}
		backend.Finalize()
	}
}

func testGoldenTraining(t *testing.T, backend compute.Backend, name string, times, leastOfGradients float64) {
	tolerance := func(float32Error float64) float64 { return max(1e-3, times*float32Error) }
	ofGradients := func(float32Error float64) float64 { return max(leastOfGradients, tolerance(float32Error)) }
	const decay = 0.75 // moves the averages far enough to measure, and is exact in float32
	file, err := golden.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	want := file.Training
	network, err := arch.New(name, arch.Options{Classes: want.Classes, DropoutKeep: 1, BatchNormDecay: decay})
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	store, err := golden.Store(file.Salt, parameters)
	if err != nil {
		t.Fatal(err)
	}
	before := map[string][]float32{}
	for name, value := range golden.Parameters(file.Salt, parameters) {
		before[name] = tensors.MustCopyFlatData[float32](value)
	}
	targets := make([]float32, want.Batch*want.Classes)
	for i, label := range want.Labels {
		for class := range want.Classes {
			targets[i*want.Classes+class] = float32(want.LabelSmoothing / float64(want.Classes))
		}
		targets[i*want.Classes+label] += float32(1 - want.LabelSmoothing)
	}
	var trained []string
	for _, p := range parameters {
		if p.Trainable {
			trained = append(trained, p.Name)
		}
	}
	// The outputs: logits, loss, gradients of what is trained.
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, images, targets *graph.Node) []*graph.Node {
		g := images.Graph()
		scope.Store().SetTraining(g, true)
		logits := network.Graph(scope, images).Logits
		loss := graph.MulScalar(graph.ReduceAllSum(graph.Mul(targets, graph.LogSoftmax(logits))), -1/float64(want.Batch))
		var variables []*graph.Node
		for _, name := range trained {
			variables = append(variables, store.GetVariable("/"+name).NodeValue(g))
		}
		return append([]*graph.Node{logits, loss}, graph.Gradient(loss, variables...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	images := tensors.FromFlatDataAndDimensions(golden.Images(file.Salt, want.Image, want.Batch, want.Side), want.Batch, want.Side, want.Side, 3)
	rounding := 0.0
	meanSquare, momentum := map[string][]float64{}, map[string][]float64{}
	for step, wantLoss := range want.RMSProp.Losses {
		results, err := exec.Exec(images, tensors.FromFlatDataAndDimensions(targets, want.Batch, want.Classes))
		if err != nil {
			t.Fatal(err)
		}
		loss := float64(tensors.ToScalar[float32](results[1]))
		relative := math.Abs(loss-wantLoss) / wantLoss
		t.Logf("loss before step %d: relative error %.2g, PyTorch's float32 has %.2g", step, relative, want.RMSProp.LossesFloat32Error[step])
		rounding = max(rounding, want.RMSProp.LossesFloat32Error[step])
		if !(relative <= tolerance(rounding)) {
			t.Errorf("loss before step %d is %g, want %g", step, loss, wantLoss)
		}
		if step == 0 {
			compareLogits(t, results[0], want, tolerance)
			compareStatistics(t, store, want, before, decay)
		}
		var whole float64
		for i, name := range trained {
			gradient := tensors.MustCopyFlatData[float32](results[2+i])
			if step == 0 {
				whole += compareGradient(t, name, gradient, want, ofGradients)
			}
			o := want.RMSProp
			if meanSquare[name] == nil {
				meanSquare[name] = slices.Repeat([]float64{o.MeanSquareStartsAt}, len(gradient))
				momentum[name] = make([]float64, len(gradient))
			}
			variable := store.GetVariable("/" + name)
			tensors.MustMutableFlatData(variable.MustValue(), func(values []float32) {
				for i, v := range gradient {
					g := float64(v)
					ms, m := &meanSquare[name][i], &momentum[name][i]
					*ms = o.Decay**ms + (1-o.Decay)*g*g
					*m = o.Momentum**m + o.LearningRate*g/math.Sqrt(*ms+o.Epsilon)
					values[i] -= float32(*m)
				}
			})
		}
		if step == 0 {
			t.Logf("%d gradients: L2 %.6g, want %.6g", len(trained), math.Sqrt(whole), want.GradientL2)
		}
	}
}

func compareLogits(t *testing.T, logits *tensors.Tensor, want golden.Training, tolerance func(float64) float64) {
	relative := golden.RelativeL2(tensors.MustCopyFlatData[float32](logits), slices.Concat(want.Logits...))
	t.Logf("logits: relative L2 error %.2g, PyTorch's float32 has %.2g", relative, want.LogitsFloat32Error)
	if !(relative <= tolerance(want.LogitsFloat32Error)) {
		t.Errorf("logits: relative L2 error %.3g, want at most %.3g", relative, tolerance(want.LogitsFloat32Error))
	}
}

// compareStatistics finds the batch's statistics in the moving ones, which are
// decay * before + (1-decay) * batch.
func compareStatistics(t *testing.T, store *model.Store, want golden.Training, before map[string][]float32, decay float64) {
	for _, layer := range slices.Sorted(maps.Keys(want.BatchStatisticsL2)) {
		for i, statistic := range []string{"moving_mean", "moving_variance"} {
			path := layer + "/BatchNorm/" + statistic
			after := tensors.MustCopyFlatData[float32](store.GetVariable("/" + path).MustValue())
			var squares float64
			for c, v := range after {
				batch := (float64(v) - decay*float64(before[path][c])) / (1 - decay)
				squares += batch * batch
			}
			if got, want := math.Sqrt(squares), want.BatchStatisticsL2[layer][i]; math.Abs(got-want) > 1e-3*want {
				t.Errorf("%s moved towards a statistic of L2 %g, want %g", path, got, want)
			}
		}
	}
}

// compareGradient compares the L2 and the first values with the reference's, relative
// to the L2 and a little of that of all gradients; it returns the square of the L2.
func compareGradient(t *testing.T, name string, gradient []float32, want golden.Training, tolerance func(float64) float64) (squares float64) {
	expected, ok := want.Gradients[name]
	if !ok {
		t.Errorf("the reference has no gradient of %s", name)
		return 0
	}
	for _, v := range gradient {
		squares += float64(v) * float64(v)
	}
	bound := tolerance(expected.Float32Error) * (expected.L2 + 1e-6*want.GradientL2)
	if l2 := math.Sqrt(squares); !(math.Abs(l2-expected.L2) <= bound) {
		t.Errorf("gradient of %s has L2 %g, want %g within %.3g", name, l2, expected.L2, bound)
	}
	for i, v := range expected.First {
		if !(math.Abs(float64(gradient[i])-v) <= bound) {
			t.Errorf("gradient of %s is %g at %d, want %g within %.3g", name, gradient[i], i, v, bound)
		}
	}
	return squares
}
