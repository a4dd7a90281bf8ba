package device_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend" // registers "go"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/device"
)

func goBackend(t *testing.T) compute.Backend {
	t.Helper()
	backend, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Finalize)
	return backend
}

// elsewhere is a backend that is not known to be in this process.
type elsewhere struct{ compute.Backend }

func (elsewhere) Name() string { return "elsewhere" }

func TestInProcess(t *testing.T) {
	if b := cpubackend.New(t); !device.InProcess(b) || b.Name() != engine.Name {
		t.Errorf("%s is not in this process", b.Name())
	}
	if b := goBackend(t); !device.InProcess(b) || device.InProcess(elsewhere{b}) {
		t.Errorf("%s is in this process, %s is not", b.Name(), elsewhere{b}.Name())
	}
}

// TestPlaces computes x*a + b with variables in both places.
func TestPlaces(t *testing.T) {
	backend := goBackend(t)
	for _, constants := range []bool{true, false} {
		store := model.NewStore()
		defer store.Finalize()
		a, err := store.CreateVariable("a", tensors.FromFlatDataAndDimensions([]float32{2, 3}, 2))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.CreateVariable("b", tensors.FromFlatDataAndDimensions([]float32{10, 20}, 2)); err != nil {
			t.Fatal(err)
		}
		var on compute.Backend = elsewhere{backend}
		inputs := 3
		if constants {
			on, inputs = backend, 1
		}
		device.Place(on, store)
		var programs []*device.Program
		for range 2 {
			p, err := device.Compile(backend, store, "x*a + b", func(scope *model.Scope, g *graph.Graph) []*graph.Node {
				x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2))
				a, b := store.GetVariable("a").NodeValue(g), store.GetVariable("b").NodeValue(g)
				return []*graph.Node{graph.Add(graph.Mul(x, a), b)}
			})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if _, all := p.Executable().Inputs(); len(all) != inputs {
				t.Errorf("with variables as constants %t there are %d inputs, want %d", constants, len(all), inputs)
			}
			programs = append(programs, p)
		}
		if there := a.MustValue().IsOnDevice(0); there == constants {
			t.Errorf("with variables as constants %t, a value is on the device: %t", constants, there)
		}
		for _, p := range slices.Concat(programs, programs) { // twice: nothing is donated
			x, err := backend.BufferFromFlatData(0, []float32{1, 2}, shapes.Make(dtypes.Float32, 2))
			if err != nil {
				t.Fatal(err)
			}
			outputs, err := p.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, 2)
			if err := outputs[0].ToFlatData(got); err != nil {
				t.Fatal(err)
			}
			if want := []float32{12, 26}; !slices.Equal(got, want) {
				t.Errorf("with variables as constants %t the result is %v, want %v", constants, got, want)
			}
		}
	}
}
