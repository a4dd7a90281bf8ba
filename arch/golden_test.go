package arch_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

const (
	stageTolerance  = 1e-3
	directTolerance = 1e-4 // of logits, without Winograd's algorithm
)

// TestGoldenEvaluation compares whole networks with the foreign reference, stage
// by stage, on every kind of kernels that the machine has. With
// INCEPTION_REQUIRE_ISA it fails where the machine lacks that one.
func TestGoldenEvaluation(t *testing.T) {
	isas := kernel.Available()
	if want := kernel.ISA(os.Getenv("INCEPTION_REQUIRE_ISA")); want != "" && !slices.Contains(isas, want) {
		t.Fatalf("INCEPTION_REQUIRE_ISA is %s, the machine has %v", want, isas)
	}
	options := map[string]arch.Options{golden.FID: {Classes: 1008, MaxPoolLastBlock: true}}
	for _, name := range append(arch.Names(), golden.FID) {
		file, err := golden.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, isa := range isas {
			for winograd, tolerance := range map[string]float64{"off": directTolerance, "on": 1e-3} {
				config := fmt.Sprintf("isa=%s,winograd=%s", isa, winograd)
				t.Run(name+"/"+config, func(t *testing.T) {
					backend, err := engine.New(config)
					if err != nil {
						t.Fatal(err)
					}
					defer backend.Finalize()
					evaluate(t, file, options[name], backend, tolerance)
				})
			}
		}
	}
}

// evaluate runs a network; tolerance is the relative L2 error that the logits may have.
func evaluate(t *testing.T, file *golden.File, o arch.Options, backend compute.Backend, tolerance float64) {
	want := file.Evaluation
	network, err := arch.New(file.Network, o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	checkParameters(t, parameters, want.Parameters)
	store, err := golden.Store(file.Salt, parameters)
	if err != nil {
		t.Fatal(err)
	}
	stages := slices.Sorted(maps.Keys(want.Taps))
	device.Place(backend, store)
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
	results, err := exec.Exec(images)
	if err != nil {
		t.Fatal(err)
	}
	logits := tensors.MustCopyFlatData[float32](results[0])
	relative := golden.RelativeL2(logits, slices.Concat(want.Logits...))
	t.Logf("logits: relative L2 error %.2g", relative)
	if !(relative <= tolerance) {
		t.Errorf("logits: relative L2 error %.3g, want at most %g", relative, tolerance)
	}
	for i, stage := range stages {
		checkSummary(t, stage, results[1+i], want.Taps[stage])
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
