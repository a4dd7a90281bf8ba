package engine_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// logits runs a network with generated weights, as constants.
func logits(t *testing.T, backend compute.Backend, name string, o arch.Options, batch, side int) []float32 {
	t.Helper()
	network, err := arch.New(name, o)
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
	out, err := exec.Exec(tensors.FromFlatDataAndDimensions(golden.Images("", "input", batch, side), batch, side, side, 3))
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out[0])
}

// TestNetworks compares small networks with the go backend's results.
func TestNetworks(t *testing.T) {
	ours, err := engine.New("")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range arch.Names() {
		for _, counts := range []bool{false, true} {
			o := arch.Options{Blocks: []int{1, 2, 2}, Width: 0.25, Classes: 11, AveragePoolCountsPadding: counts}
			got, want := logits(t, ours, name, o, 3, 91), logits(t, theirs, name, o, 3, 91)
			var difference, norm float64
			for i, w := range want {
				difference += (float64(got[i]) - float64(w)) * (float64(got[i]) - float64(w))
				norm += float64(w) * float64(w)
			}
			if e := math.Sqrt(difference / norm); !(e < 1e-5) {
				t.Errorf("%s: relative L2 difference %g", name, e)
			}
		}
	}
}
