package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/train/step"
)

// TestFeedAhead has micro-batches loaded and brought while nobody waits for them, one ahead, and
// none lost where a wait for one is given up.
func TestFeedAhead(t *testing.T) {
	loaded, brought := 0, make(chan int, 10)
	slow := make(chan bool, 10)
	f := newFeed(func(ctx context.Context) (*dataset.Batch, error) {
		select {
		case <-slow:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		loaded++
		return &dataset.Batch{Labels: []int32{int32(loaded)}}, nil
	}, func(_ []float32, batch int) (*step.Brought, error) {
		brought <- batch
		return nil, nil
	})
	take := func(ctx context.Context, want int32) {
		t.Helper()
		got, err := f.next(ctx)
		if err != nil || got.Labels[0] != want {
			t.Fatalf("the micro-batch is %v, %v, want number %d", got, err, want)
		}
	}
	slow <- true
	take(t.Context(), 1)
	<-brought
	f.ahead()
	canceled, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := f.next(canceled); !errors.Is(err, gone) {
		t.Fatalf("the error is %v", err)
	}
	slow <- true
	select {
	case <-brought: // though nobody has asked for it
	case <-time.After(10 * time.Second):
		t.Fatal("the second micro-batch is not brought ahead")
	}
	take(t.Context(), 2)
	f.ahead() // which nothing is loaded for
	f.close()
	if loaded != 2 {
		t.Errorf("%d were loaded", loaded)
	}
}

// apart is a backend with memory of its own.
type apart struct {
	compute.Backend
	images atomic.Int64 // copied to it
}

func (*apart) Name() string           { return "apart" }
func (*apart) HasSharedBuffers() bool { return false }

func (b *apart) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	if shape.Rank() == 4 && shape.Dim(3) == 3 && shape.Dim(1) > 7 {
		b.images.Add(1)
	}
	inner, err := b.Backend.BufferFromFlatData(device, flat, shape)
	return &apartBuffer{inner, b}, err
}

func (b *apart) Builder(name string) compute.Builder {
	return &apartBuilder{b.Backend.Builder(name), b}
}

type apartBuffer struct {
	compute.Buffer
	backend *apart
}

func (b *apartBuffer) Backend() compute.Backend { return b.backend }

type apartBuilder struct {
	compute.Builder
	backend *apart
}

func (b *apartBuilder) Compile() (compute.Executable, error) {
	inner, err := b.Builder.Compile()
	return &apartExecutable{inner, b.backend}, err
}

type apartExecutable struct {
	compute.Executable
	backend *apart
}

func (e *apartExecutable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	inner := make([]compute.Buffer, len(inputs))
	for i, b := range inputs {
		inner[i] = b.(*apartBuffer).Buffer
	}
	outputs, err := e.Executable.Execute(inner, donate, device)
	for i, b := range outputs {
		outputs[i] = &apartBuffer{b, e.backend}
	}
	return outputs, err
}

// TestBringAhead trains on a device with memory of its own: what is computed is what a backend
// computes that shares its memory.
func TestBringAhead(t *testing.T) {
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	r.MicroBatches, r.Epochs = 2, 2
	here, there := filepath.Join(t.TempDir(), "here"), filepath.Join(t.TempDir(), "there")
	cpu := cpubackend.New(t)
	if _, err := Start(t.Context(), cpu, here, r, Options{}); err != nil {
		t.Fatal(err)
	}
	device := &apart{Backend: cpu}
	result, err := Start(t.Context(), device, there, r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, got := losses(t, here), losses(t, there)
	if len(want) == 0 || len(got) != len(want) {
		t.Fatalf("there are %d losses, want %d", len(got), len(want))
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-5*want[i] { // programs may be divided otherwise
			t.Errorf("loss %d is %g, want %g", i, got[i], want[i])
		}
	}
	if n := int(device.images.Load()); n < 2*result.Step {
		t.Errorf("images were copied %d times in %d steps of two micro-batches", n, result.Step)
	}
	t.Logf("steps waited %v of %v for images", result.Waiting, result.Time)
}
