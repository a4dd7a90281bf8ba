package engine_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute/support/backendtest"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// TestCompliance runs the suite that GoMLX has for backends.
func TestCompliance(t *testing.T) {
	backend, err := engine.New("")
	if err != nil {
		t.Fatal(err)
	}
	backendtest.RunAll(t, backend, nil)
}

// TestFinalized uses a backend after its end.
func TestFinalized(t *testing.T) {
	backend, err := engine.New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	network, err := arch.New("inception_resnet_v1", arch.Options{Classes: 3, Width: 0.125, Blocks: []int{1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters(backend)
	if err != nil {
		t.Fatal(err)
	}
	store, err := golden.Store("", parameters)
	if err != nil {
		t.Fatal(err)
	}
	store.WithVariableAsConst(true)
	exec, err := model.NewExec(backend, store, func(s *model.Scope, x *graph.Node) *graph.Node { return network.Graph(s, x).Logits })
	if err != nil {
		t.Fatal(err)
	}
	images := tensors.FromFlatDataAndDimensions(golden.Images("", "input", 1, 75), 1, 75, 75, 3)
	if _, err := exec.Exec(images); err != nil {
		t.Fatal(err)
	}
	backend.Finalize()
	backend.Finalize()
	if !backend.IsFinalized() {
		t.Error("the backend does not know that it is finalized")
	}
	if _, err := exec.Exec(images); err == nil {
		t.Error("a program of a finalized backend should return an error")
	}
}

func TestOptions(t *testing.T) {
	for config, want := range map[string]string{
		"threads=0": "threads", "threads=x": "threads", "isa=mmx": "mmx", "winograd=maybe": "winograd", "speed=high": "speed=high",
	} {
		if _, err := engine.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", config, err, want)
		}
	}
	backend, err := engine.New("threads=3,isa=generic,winograd=off")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	if d := backend.Description(); !strings.Contains(d, "generic") || !strings.Contains(d, "slow") || !strings.Contains(d, "3 threads") {
		t.Errorf("description is %q", d)
	}
}
