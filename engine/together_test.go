package engine_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
)

// together is what executables of the engine have.
type together interface {
	compute.Executable
	Gathers() ([]int, error)
	ExecuteTogether(inputs []compute.Buffer, donate []bool, device compute.DeviceNum, ready func(output int, values []float32), gather func(own []float32) (all []float32, err error)) ([]compute.Buffer, error)
}

const togetherChannels = 19

// compileTogether makes a program of two layers of convolution, batch norm and ReLU: from
// images, weights, scales and offsets, and the loss's gradient by what it has computed, to the
// means and variances of both layers and the gradients of images, weights, scales and offsets.
func compileTogether(t *testing.T, backend compute.Backend, images int) together {
	t.Helper()
	g := graph.NewGraph(backend, "together")
	of := func(name string, dims ...int) *graph.Node {
		return graph.Parameter(g, name, shapes.Make(dtypes.Float32, dims...))
	}
	x := of("x", images, 9, 7, 3)
	w, scale, offset := of("w", 3, 3, 3, togetherChannels), of("scale", togetherChannels), of("offset", togetherChannels)
	z := of("z", images, 9, 7, togetherChannels)
	y, mean, variance := graph.InternalBatchNormForTraining(graph.Convolve(x, w).PadSame().Done(), scale, offset, 1e-3, 3)
	y = graph.MaxScalar(y, 0)
	y, mean2, variance2 := graph.InternalBatchNormForTraining(y, offset, scale, 1e-3, 3)
	loss := graph.ReduceAllSum(graph.Mul(y, z))
	outputs := append([]*graph.Node{mean, variance, mean2, variance2}, graph.Gradient(loss, x, w, scale, offset)...)
	if err := g.Compile(outputs...); err != nil {
		t.Fatal(err)
	}
	return g.Executable().(together)
}

// TestTogether compares batch norm that programs with parts of a batch compute together with
// that of a program with the whole: their statistics are equal, and those of the whole to
// rounding, as are the gradients of images, and the sums of those of weights.
func TestTogether(t *testing.T) {
	const replicas, part = 3, 2
	backend := cpubackend.New(t)
	whole, divided := compileTogether(t, backend, replicas*part), compileTogether(t, backend, part)
	if gathers, err := divided.Gathers(); err != nil || len(gathers) != 4 {
		t.Fatalf("gathers %v, %v, expected two layers and two gradients", gathers, err)
	}
	inputs := generated(t, backend, whole, "together")
	// Images of very unlike parts, far from zero: their own statistics are of no use.
	_, all := whole.Inputs()
	flat := make([][]float32, len(inputs))
	for i, in := range inputs {
		flat[i] = make([]float32, all[i].Size())
		if err := in.ToFlatData(flat[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range flat[0] {
		flat[0][i] += float32(3 * i / len(flat[0]) * replicas)
	}
	divide := func(values []float32, rank int) []float32 {
		n := len(values) / replicas
		return values[rank*n:][:n]
	}
	run := func(p together, gather func(own []float32) ([]float32, error), rank int) ([][]float32, error) {
		_, shapes := p.Inputs()
		var buffers []compute.Buffer
		for i, s := range shapes {
			values := flat[i]
			if s.Size() != len(values) {
				values = divide(values, rank)
			}
			b, err := backend.BufferFromFlatData(0, values, s)
			if err != nil {
				return nil, err
			}
			buffers = append(buffers, b)
		}
		outputs, err := p.ExecuteTogether(buffers, nil, 0, nil, gather)
		if err != nil {
			return nil, err
		}
		var got [][]float32
		for i, o := range outputs {
			values := make([]float32, p.Outputs()[i].Size())
			if err := o.ToFlatData(values); err != nil {
				return nil, err
			}
			got = append(got, values)
		}
		return got, nil
	}
	want, err := run(whole, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := make([][][]float32, replicas)
	meeting := newMeeting(replicas)
	var running sync.WaitGroup
	for rank := range replicas {
		running.Go(func() {
			var err error
			if got[rank], err = run(divided, func(own []float32) ([]float32, error) { return meeting.gather(rank, own), nil }, rank); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if t.Failed() {
		return
	}
	alone, err := run(divided, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"mean", "variance", "second mean", "second variance", "gradient of images", "gradient of weights", "gradient of scales", "gradient of offsets"}
	for i, name := range names {
		together := make([]float32, len(want[i]))
		switch {
		case i < 4:
			for rank := range replicas {
				if !sameBits(got[rank][i], got[0][i]) {
					t.Errorf("%s of replica %d is not that of replica 0", name, rank)
				}
			}
			together = got[0][i]
		case i == 4:
			together = together[:0]
			for rank := range replicas {
				together = append(together, got[rank][i]...)
			}
		default:
			for rank := range replicas {
				for j, v := range got[rank][i] {
					together[j] += v
				}
			}
		}
		if d := differenceOf(together, want[i]); d > 2e-5 {
			t.Errorf("%s differs by %.2g (L2, relative) from that of the whole batch", name, d)
		}
		if i < 4 && differenceOf(alone[i], want[i]) < 1e-2 {
			t.Errorf("%s of a part alone is that of the whole batch, which tells nothing", name)
		}
	}
	// An error of others ends the program, and the next run is as the first.
	if _, err := run(divided, func([]float32) ([]float32, error) { return nil, errors.New("replica 1 is gone") }, 0); err == nil || !strings.Contains(err.Error(), "replica 1 is gone") || !strings.Contains(err.Error(), "batch norm") {
		t.Errorf("the error is %v", err)
	}
	again, err := run(divided, nil, 0)
	if err != nil || !slices.EqualFunc(again, alone, sameBits) {
		t.Errorf("after an error the program computes something else: %v", err)
	}
}

// TestTogetherRefuses expects an error of batch norm that the engine does not compute itself.
func TestTogetherRefuses(t *testing.T) {
	g := graph.NewGraph(cpubackend.New(t), "features")
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 4, 5))
	ones := graph.Ones(g, shapes.Make(dtypes.Float32, 5))
	y, _, _ := graph.InternalBatchNormForTraining(x, ones, ones, 1e-3, 1)
	if err := g.Compile(graph.ReduceAllSum(y)); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Executable().(together).Gathers(); err == nil || !strings.Contains(err.Error(), "BatchNormForTraining") {
		t.Errorf("the error is %v", err)
	}
}

// A meeting is where goroutines come together, as often as they like.
type meeting struct {
	mutex sync.Mutex
	cond  *sync.Cond
	given [][]float32
	count int
	round int
	all   []float32
}

func newMeeting(size int) *meeting {
	m := &meeting{given: make([][]float32, size)}
	m.cond = sync.NewCond(&m.mutex)
	return m
}

// gather returns what all have come with, by rank.
func (m *meeting) gather(rank int, own []float32) []float32 {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	round := m.round
	m.given[rank] = slices.Clone(own)
	if m.count++; m.count == len(m.given) {
		m.all, m.count = slices.Concat(m.given...), 0
		m.round++
		m.cond.Broadcast()
	}
	for m.round == round {
		m.cond.Wait()
	}
	return m.all
}

// differenceOf is the L2 norm of a difference, relative to that of what is expected.
func differenceOf(got, want []float32) float64 {
	if len(got) != len(want) {
		panic(fmt.Sprintf("%d values, want %d", len(got), len(want)))
	}
	var d, n float64
	for i := range want {
		d += math.Pow(float64(got[i])-float64(want[i]), 2)
		n += math.Pow(float64(want[i]), 2)
	}
	return math.Sqrt(d / n)
}
