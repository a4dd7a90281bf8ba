package engine_test

import (
	"math"
	"runtime"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// compileNetwork makes the program of a network with generated weights, as constants,
// from images to logits.
func compileNetwork(t *testing.T, backend compute.Backend, name string, o arch.Options, batch, side int) compute.Executable {
	t.Helper()
	network, err := arch.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	store, err := golden.Store("", parameters)
	if err != nil {
		t.Fatal(err)
	}
	store.WithVariableAsConst(true)
	g := graph.NewGraph(backend, name)
	images := graph.Parameter(g, "images", shapes.Make(dtypes.Float32, batch, side, side, 3))
	if err := g.Compile(network.Graph(store.RootScope(), images).Logits); err != nil {
		t.Fatal(err)
	}
	return g.Executable()
}

// images are generated pixels for a network.
func images(t *testing.T, backend compute.Backend, batch, side int) []compute.Buffer {
	t.Helper()
	b, err := backend.BufferFromFlatData(0, golden.Images("", "input", batch, side), shapes.Make(dtypes.Float32, batch, side, side, 3))
	if err != nil {
		t.Fatal(err)
	}
	return []compute.Buffer{b}
}

// execute runs a program of one output.
func execute(program compute.Executable, inputs []compute.Buffer) ([]float32, error) {
	outputs, err := program.Execute(inputs, nil, 0)
	if err != nil {
		return nil, err
	}
	values := make([]float32, program.Outputs()[0].Size())
	if err := outputs[0].ToFlatData(values); err != nil {
		return nil, err
	}
	return values, outputs[0].Finalize()
}

// logits runs a network with generated weights and images.
func logits(t *testing.T, backend compute.Backend, name string, o arch.Options, batch, side int) []float32 {
	t.Helper()
	program := compileNetwork(t, backend, name, o, batch, side)
	defer program.Finalize()
	values, err := execute(program, images(t, backend, batch, side))
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// distance is that of got from want, relative to want's length.
func distance(got, want []float32) float64 {
	var difference, norm float64
	for i, w := range want {
		difference += (float64(got[i]) - float64(w)) * (float64(got[i]) - float64(w))
		norm += float64(w) * float64(w)
	}
	return math.Sqrt(difference / norm)
}

// poolings are the options with each kind of 3x3 pooling that the network has.
func poolings(name string, o arch.Options) []arch.Options {
	counts, largest := o, o
	counts.AveragePoolCountsPadding, largest.MaxPoolLastBlock = true, true
	if name == "inception_v3" {
		return []arch.Options{o, counts, largest}
	}
	return []arch.Options{o, counts}
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
		for _, o := range poolings(name, arch.Options{Blocks: []int{1, 2, 2}, Width: 0.25, Classes: 11}) {
			got, want := logits(t, ours, name, o, 3, 91), logits(t, theirs, name, o, 3, 91)
			if e := distance(got, want); !(e < 1e-5) {
				t.Errorf("%s: relative L2 difference %g", name, e)
			}
		}
	}
}

// TestNoStepOnGoBackend finds what of the networks would be left to the go backend.
func TestNoStepOnGoBackend(t *testing.T) {
	backend := newBackend(t, "")
	for _, name := range arch.Names() {
		program := compileNetwork(t, backend, name, arch.Options{Width: 0.125}, 1, arch.MinSize)
		steps, err := engine.Operations(program)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range steps {
			if s.Name == "go backend" {
				t.Errorf("%s: step %d of %d is the go backend's: %s", name, i, len(steps), s.Algorithm)
			}
		}
		t.Logf("%s: %d steps", name, len(steps))
		program.Finalize()
	}
}

// TestSteadyMemory runs networks whose arenas take hundreds of kilobytes: a run after
// the first allocates its result, and little that leads there.
func TestSteadyMemory(t *testing.T) {
	backend := newBackend(t, "threads=2")
	for _, name := range arch.Names() {
		program := compileNetwork(t, backend, name, small, 1, smallSide)
		inputs := images(t, backend, 1, smallSide)
		run := func() {
			outputs, err := program.Execute(inputs, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := outputs[0].Finalize(); err != nil {
				t.Fatal(err)
			}
		}
		run()
		const runs, mostBytes, mostAllocations = 8, 512, 16
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			run()
		}
		runtime.ReadMemStats(&after)
		bytes, allocations := (after.TotalAlloc-before.TotalAlloc)/runs, (after.Mallocs-before.Mallocs)/runs
		if bytes > mostBytes || allocations > mostAllocations {
			t.Errorf("%s: %d bytes in %d allocations a run, want at most %d in %d", name, bytes, allocations, mostBytes, mostAllocations)
		}
		t.Logf("%s: %d bytes in %d allocations a run", name, bytes, allocations)
		program.Finalize()
	}
}
