//go:build xla

package arch_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/xlabackend"
)

func TestGoldenEvaluationXLA(t *testing.T) {
	backend := xlabackend.New(t)
	for _, name := range arch.Names() {
		t.Run(name, func(t *testing.T) {
			file, err := golden.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			evaluate(t, file, arch.Options{}, backend, directTolerance)
		})
	}
}

// TestGoldenTrainingXLA has the bound of Winograd's algorithm: on a CPU the gradients are
// about six times as far from the reference as the engine's without it, the first layers',
// whose sums are the longest, most of all. XLA rounds otherwise on each kind of processor, so
// that an input of ReLU within rounding of zero may fall to the other side of it: on one with
// AMX that moves gradients of one branch of a residual block by up to 3e-3.
func TestGoldenTrainingXLA(t *testing.T) {
	backend := xlabackend.New(t)
	for _, name := range []string{"inception_v4", "inception_resnet_v1"} { // one of each kind of block
		t.Run(name, func(t *testing.T) { testGoldenTraining(t, backend, name, roundsMore, 1e-2) })
	}
}

// TestInt8XLA compares int8 networks with the engine's results: sums of integers are exact
// in both, and roundings of the first convolution's fall on another side now and then.
func TestInt8XLA(t *testing.T) {
	theirs, ours := xlabackend.New(t), cpubackend.New(t)
	for _, name := range arch.Names() {
		network, err := arch.New(name, arch.Options{Blocks: []int{1, 2, 2}, Width: 0.25, Classes: 11, Precision: arch.Int8})
		if err != nil {
			t.Fatal(err)
		}
		parameters, err := network.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		const side, batch = 91, 2
		var logits [2][]float32
		for i, backend := range []compute.Backend{ours, theirs} {
			store, err := golden.Store("", parameters)
			if err != nil {
				t.Fatal(err)
			}
			device.Place(backend, store)
			exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
				return network.Graph(scope, images).Logits
			})
			if err != nil {
				t.Fatal(err)
			}
			results, err := exec.Exec(tensors.FromFlatDataAndDimensions(golden.Images("", "input", batch, side), batch, side, side, 3))
			if err != nil {
				t.Fatal(err)
			}
			logits[i] = tensors.MustCopyFlatData[float32](results[0])
		}
		want := make([]float64, len(logits[0]))
		for i, v := range logits[0] {
			want[i] = float64(v)
		}
		e := golden.RelativeL2(logits[1], want)
		t.Logf("%s: relative L2 difference %.2g", name, e)
		if !(e < 0.03) {
			t.Errorf("%s: relative L2 difference %g", name, e)
		}
	}
}
