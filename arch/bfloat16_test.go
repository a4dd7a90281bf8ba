package arch_test

import (
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// TestGoldenBFloat16 compares logits in bfloat16 with the golden ones, from which they may
// differ by 1.5 times as much as PyTorch's in bfloat16.
func TestGoldenBFloat16(t *testing.T) {
	for _, name := range arch.Names() {
		file, err := golden.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := golden.BFloat16Error(name)
		if err != nil {
			t.Fatal(err)
		}
		network, err := arch.New(name, arch.Options{Precision: arch.BFloat16})
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
		for _, isa := range kernel.Available()[:1] { // engine's tests compare the others with it
			backend, err := engine.New("isa=" + string(isa))
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
			want := file.Evaluation
			images := tensors.FromFlatDataAndDimensions(golden.Images(file.Salt, want.Image, want.Batch, want.Side), want.Batch, want.Side, want.Side, 3)
			results, err := exec.Exec(images)
			if err != nil {
				t.Fatal(err)
			}
			ours := golden.RelativeL2(tensors.MustCopyFlatData[float32](results[0]), slices.Concat(want.Logits...))
			t.Logf("%s, %s: relative L2 difference %.2g, PyTorch's %.2g", name, isa, ours, theirs)
			if !(ours <= 1.5*theirs) {
				t.Errorf("%s, %s: relative L2 difference %.3g, PyTorch's %.3g", name, isa, ours, theirs)
			}
			backend.Finalize()
		}
	}
}
