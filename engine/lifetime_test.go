package engine_test

import (
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// compileMixed makes a program of a convolution, and of something that the go backend
// computes.
func compileMixed(t *testing.T, backend compute.Backend, batch int) compute.Executable {
	t.Helper()
	g := graph.NewGraph(backend, "mixed")
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, batch, 9, 9, 8))
	w := graph.Parameter(g, "w", shapes.Make(dtypes.Float32, 3, 3, 8, 8))
	y := graph.Convolve(x, w).PadSame().Done()
	if err := g.Compile(graph.Atan2(y, graph.AddScalar(y, 1))); err != nil {
		t.Fatal(err)
	}
	return g.Executable()
}

// TestEndWhileRunning ends programs, and their backend, while they run: what is under
// way ends or says that they are finalized, and nothing panics.
func TestEndWhileRunning(t *testing.T) {
	for range 20 {
		backend := newBackend(t, "threads=3")
		program := compileMixed(t, backend, 2)
		inputs := generated(t, backend, program, "")
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for range 4 {
					outputs, err := program.Execute(inputs, nil, 0)
					if err != nil {
						expectError(t, "an ended program", func() error { return err }, "finalized")
						return
					}
					for _, o := range outputs {
						_ = o.Finalize()
					}
				}
			})
		}
		program.Finalize()
		all.Wait()
		if _, err := engine.Operations(program); err != nil {
			t.Error(err)
		}
		expectError(t, "an ended program", func() error { _, err := program.Execute(inputs, nil, 0); return err }, "finalized")
		backend.Finalize()
		expectError(t, "compiling for an ended backend", func() error {
			builder := backend.Builder("late")
			_, err := builder.Compile()
			return err
		}, "finalized")
	}
}

// TestNothing compiles a program for no images.
func TestNothing(t *testing.T) {
	backend := newBackend(t, "threads=2")
	expectError(t, "no images", func() error {
		builder := backend.Builder("nothing")
		f := builder.Main()
		x, err := f.Parameter("x", shapes.Make(dtypes.Float32, 0, 9, 9, 8), nil)
		if err != nil {
			return err
		}
		w, err := f.Parameter("w", shapes.Make(dtypes.Float32, 3, 3, 8, 8), nil)
		if err != nil {
			return err
		}
		axes := compute.ConvolveAxesConfig{
			InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3, OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3,
			KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
		}
		y, err := f.ConvGeneral(x, w, axes, nil, nil, nil, nil, 1, 1)
		if err != nil {
			return err
		}
		if err := f.Return([]compute.Value{y}, nil); err != nil {
			return err
		}
		_, err = builder.Compile()
		return err
	}, "should have elements", "[0, 9, 9, 8]")
}

func TestWrongNumbers(t *testing.T) {
	backend := newBackend(t, "threads=2")
	program := compileMixed(t, backend, 1)
	defer program.Finalize()
	inputs := generated(t, backend, program, "")
	expectError(t, "more inputs given away than there are", func() error {
		_, err := program.Execute(inputs, []bool{false, false, true}, 0)
		return err
	}, "2", "found 3")
	expectError(t, "a profile of no runs", func() error { _, err := engine.Profile(program, inputs, 0); return err }, "at least 1 run")
}
