package arch_test

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

const (
	logitsTolerance = 1e-4 // relative L2
	stageTolerance  = 1e-3
)

// TestGoldenEvaluation compares whole networks with the foreign reference, stage
// by stage.
func TestGoldenEvaluation(t *testing.T) {
	for _, name := range arch.Names() {
		t.Run(name, func(t *testing.T) {
			file, err := golden.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			want := file.Evaluation
			backend, err := engine.New("")
			if err != nil {
				t.Fatal(err)
			}
			network, err := arch.New(name, arch.Options{})
			if err != nil {
				t.Fatal(err)
			}
			parameters, err := network.Parameters(backend)
			if err != nil {
				t.Fatal(err)
			}
			checkParameters(t, parameters, want.Parameters)
			store, err := golden.Store(file.Salt, parameters)
			if err != nil {
				t.Fatal(err)
			}
			stages := slices.Sorted(maps.Keys(want.Taps))
			store.WithVariableAsConst(true)
			exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) []*graph.Node {
				outputs := network.Graph(scope, images)
				nodes := []*graph.Node{outputs.Logits}
				for _, stage := range stages {
					node, err := outputs.EndPoint(stage)
					if err != nil {
						panic(err)
					}
					nodes = append(nodes, node)
				}
				return nodes
			})
			if err != nil {
				t.Fatal(err)
			}
			images := tensors.FromFlatDataAndDimensions(golden.Images(file.Salt, want.Image, want.Batch, want.Side), want.Batch, want.Side, want.Side, 3)
			start := time.Now()
			results, err := exec.Exec(images)
			if err != nil {
				t.Fatal(err)
			}
			logits := tensors.MustCopyFlatData[float32](results[0])
			relative := golden.RelativeL2(logits, slices.Concat(want.Logits...))
			t.Logf("logits: relative L2 error %.2g (%d images of side %d in %v)", relative, want.Batch, want.Side, time.Since(start).Round(time.Millisecond))
			if !(relative <= logitsTolerance) {
				t.Errorf("logits: relative L2 error %.3g, want at most %g", relative, logitsTolerance)
			}
			for i, stage := range stages {
				checkSummary(t, stage, results[1+i], want.Taps[stage])
			}
		})
	}
}

// checkParameters compares names, shapes and order.
func checkParameters(t *testing.T, got []arch.Parameter, want [][2]any) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d parameters, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		var shape []int
		for _, n := range want[i][1].([]any) {
			shape = append(shape, int(n.(float64)))
		}
		if got[i].Name != want[i][0] || !slices.Equal(got[i].Shape, shape) {
			t.Fatalf("parameter %d: %s %v, want %s %v", i, got[i].Name, got[i].Shape, want[i][0], shape)
		}
	}
}

func checkSummary(t *testing.T, stage string, got *tensors.Tensor, want golden.Summary) {
	t.Helper()
	if !reflect.DeepEqual(got.Shape().Dimensions, want.Shape) {
		t.Errorf("%s: shape %v, want %v", stage, got.Shape().Dimensions, want.Shape)
		return
	}
	values := tensors.MustCopyFlatData[float32](got)
	var sum, squares float64
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(values))
	mean := sum / n
	std := math.Sqrt(squares/n - mean*mean)
	check := func(what string, got, want, scale float64) {
		if !(math.Abs(got-want) <= stageTolerance*scale) {
			t.Errorf("%s: %s is %g, want %g", stage, what, got, want)
		}
	}
	// Single values and the mean can be near zero: they are measured against the
	// tensor's own spread.
	check("mean", mean, want.Mean, want.Std)
	check("standard deviation", std, want.Std, want.Std)
	check("L2", math.Sqrt(squares), want.L2, want.L2)
	for i, at := range want.At {
		check("value", float64(values[at]), want.Values[i], want.Std)
	}
}
