package engine_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// small is a network of few layers, of which some are wide enough for Winograd's
// algorithm.
var small = arch.Options{Width: 0.5, Blocks: []int{1, 1, 1}, Classes: 10}

const smallSide = 107

// compileGradient makes a program from images, [2, 17, 17, 32], to the gradient of a
// loss of convolution, batch norm and ReLU with respect to the weights.
func compileGradient(t *testing.T, backend compute.Backend) compute.Executable {
	t.Helper()
	g := graph.NewGraph(backend, "gradient")
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 17, 17, 32))
	w := graph.Parameter(g, "w", shapes.Make(dtypes.Float32, 3, 3, 32, 47))
	scale := graph.Parameter(g, "scale", shapes.Make(dtypes.Float32, 47))
	y := graph.Convolve(x, w).PadSame().Done()
	y, _, _ = graph.InternalBatchNormForTraining(y, scale, graph.ZerosLike(scale), 1e-3, 3)
	z := graph.Parameter(g, "z", y.Shape())
	loss := graph.ReduceAllSum(graph.Mul(graph.MaxScalar(y, 0), z))
	if err := g.Compile(graph.Gradient(loss, w)[0]); err != nil {
		t.Fatal(err)
	}
	return g.Executable()
}

// generated are buffers for a program's inputs.
func generated(t *testing.T, backend compute.Backend, program compute.Executable, salt string) []compute.Buffer {
	t.Helper()
	var inputs []compute.Buffer
	names, all := program.Inputs()
	for i, shape := range all {
		values := make([]float64, shape.Size())
		golden.Uniform(salt+names[i], values)
		flat := make([]float32, len(values))
		for j, v := range values {
			flat[j] = float32(2*v - 1)
		}
		b, err := backend.BufferFromFlatData(0, flat, shape)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, b)
	}
	return inputs
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// TestThreads compares numbers of threads, and runs with the same number.
func TestThreads(t *testing.T) {
	for what, compile := range map[string]func(backend compute.Backend) compute.Executable{
		"network": func(b compute.Backend) compute.Executable {
			return compileNetwork(t, b, "inception_v4", small, 1, smallSide)
		},
		"gradient": func(b compute.Backend) compute.Executable { return compileGradient(t, b) },
	} {
		var want []float32
		for _, threads := range []int{1, 2, 3, 5} {
			backend := newBackend(t, fmt.Sprintf("threads=%d", threads))
			program := compile(backend)
			inputs := generated(t, backend, program, "")
			var first []float32
			for run := range 4 {
				got, err := execute(program, inputs)
				if err != nil {
					t.Fatal(err)
				}
				if run == 0 {
					first = got
				} else if !sameBits(got, first) {
					t.Errorf("%s, %d threads: run %d differs from the first", what, threads, run)
				}
			}
			if threads == 1 {
				want = first
			} else if e := distance(first, want); !(e < 1e-5) {
				t.Errorf("%s, %d threads: relative L2 difference %g from one thread", what, threads, e)
			}
			backend.Finalize()
		}
	}
}

// TestConcurrentRuns runs two programs in several goroutines at the same time.
func TestConcurrentRuns(t *testing.T) {
	backend := newBackend(t, "threads=3")
	programs := []compute.Executable{compileNetwork(t, backend, "inception_v4", small, 1, smallSide), compileGradient(t, backend)}
	const goroutines = 8
	var inputs [goroutines][]compute.Buffer
	var want [goroutines][]float32
	for i := range goroutines {
		program := programs[i%2]
		inputs[i] = generated(t, backend, program, fmt.Sprint(i))
		var err error
		if want[i], err = execute(program, inputs[i]); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for run := range 5 {
				got, err := execute(programs[i%2], inputs[i])
				if err != nil || !sameBits(got, want[i]) {
					t.Errorf("goroutine %d, run %d: error %v, or another result than that alone", i, run, err)
				}
			}
		})
	}
	group.Wait()
}

func TestThreadsDefault(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for config, want := range map[string]int{"": 3, "winograd=off": 3, "threads=5": 5} {
		if got := newBackend(t, config).(*engine.Backend).Threads(); got != want {
			t.Errorf("%q: %d threads, want %d", config, got, want)
		}
	}
}

// goroutines lists those that the engine has started, but not those given.
func goroutines(but []string) []string {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	var found []string
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		id, _, _ := strings.Cut(stack, " [")
		if strings.Contains(stack, "created by github.com/seed-fb2c0fa6/inception/engine/") && !slices.Contains(but, id) {
			found = append(found, id)
		}
	}
	return found
}

// TestGoroutinesEnd counts goroutines while a backend lives and after its end.
func TestGoroutinesEnd(t *testing.T) {
	before := goroutines(nil)
	backend := newBackend(t, "threads=5")
	program := compileNetwork(t, backend, "inception_v4", small, 1, smallSide)
	inputs := images(t, backend, 1, smallSide)
	for range 5 {
		if _, err := execute(program, inputs); err != nil {
			t.Fatal(err)
		}
	}
	if started := goroutines(before); len(started) != 4 {
		t.Errorf("%d goroutines beside the caller, want 4", len(started))
	}
	backend.Finalize()
	for start := time.Now(); len(goroutines(before)) > 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 2*time.Second {
			t.Fatalf("%d goroutines are left", len(goroutines(before)))
		}
	}
}

// TestFinalizeWhileRunning ends a program that runs: each run has its result or an
// error.
func TestFinalizeWhileRunning(t *testing.T) {
	backend := newBackend(t, "threads=3")
	for i := range 10 {
		program := compileNetwork(t, backend, "inception_v4", small, 1, smallSide)
		inputs := images(t, backend, 1, smallSide)
		want, err := execute(program, inputs)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				expectError(t, "a run that ends with the program", func() error {
					for {
						got, err := execute(program, inputs)
						if err != nil {
							return err
						}
						if !sameBits(got, want) {
							t.Error("another result than before")
						}
					}
				}, "finalized")
			})
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
		program.Finalize()
		group.Wait()
	}
}
