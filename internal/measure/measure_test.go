package measure

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend" // registers "go"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
)

// narrow is a network of which a test measures a run in milliseconds.
func narrow(t *testing.T) *Network {
	t.Helper()
	backend := cpubackend.New(t)
	return narrowOn(t, backend)
}

func narrowOn(t *testing.T, backend compute.Backend) *Network {
	t.Helper()
	network, err := arch.New("inception_resnet_v1", arch.Options{Width: 0.125, Blocks: []int{1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(backend, network, 75)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSpeed(t *testing.T) {
	n := narrow(t)
	s, err := n.Speed(t.Context(), Options{Batch: 2, Runs: 3})
	if err != nil {
		t.Fatal(err)
	}
	if s.Network != "inception_resnet_v1" || s.Batch != 2 || s.Size != 75 || s.Train || s.Threads < 1 || s.CompileMS <= 0 {
		t.Errorf("the speed is %+v", s)
	}
	if s.ImagesPerSecondMin <= 0 || s.ImagesPerSecondMin > s.ImagesPerSecond || s.ImagesPerSecond > s.ImagesPerSecondMax {
		t.Errorf("the rates are %g, %g, %g", s.ImagesPerSecondMin, s.ImagesPerSecond, s.ImagesPerSecondMax)
	}
	if want := s.ImagesPerSecond * 2 * float64(n.description.MultiplyAdds) / 1e9; !near(s.GFLOPS, want) {
		t.Errorf("GFLOP/s are %g, want %g", s.GFLOPS, want)
	}
}

// near tells numbers apart that differ by more than the order of factors.
func near(got, want float64) bool { return math.Abs(got-want) <= 1e-12*want }

func TestTraining(t *testing.T) {
	n := narrow(t)
	ready := 0
	o := Options{Batch: 2, Runs: 2, Train: true, Ready: func() { ready++ }}
	s, err := n.Speed(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := s.ImagesPerSecond * 2 * 3 * float64(n.description.MultiplyAdds) / 1e9; !s.Train || !near(s.GFLOPS, want) || ready != 1 {
		t.Errorf("the speed is %+v, want %g GFLOP/s; ready was called %d times", s, want, ready)
	}
	l, err := n.Layers(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	forward, err := n.Layers(t.Context(), Options{Batch: 2, Runs: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Operations) < 2*len(forward.Operations) {
		t.Errorf("a training step is of %d operations, a classification of %d", len(l.Operations), len(forward.Operations))
	}
}

func TestLayers(t *testing.T) {
	n := narrow(t)
	l, err := n.Layers(t.Context(), Options{Batch: 1, Runs: 3})
	if err != nil {
		t.Fatal(err)
	}
	var sum, total int64
	var taken time.Duration
	for _, s := range l.Operations {
		sum, taken = sum+s.MultiplyAdds, taken+s.Time
	}
	for _, a := range l.Algorithms {
		total += a.MultiplyAdds
	}
	if sum != total || l.Total != taken || l.Peaks.Float32 <= 0 {
		t.Errorf("the operations have %d multiply-adds in %v, the algorithms %d, all %v; the peak is %g", sum, taken, total, l.Total, l.Peaks.Float32)
	}
	// The dense layer and the auxiliary operations aside, all multiply-adds are those of
	// convolutions that the engine computes.
	if want := n.description.MultiplyAdds; sum < want*9/10 || sum > want {
		t.Errorf("the operations have %d multiply-adds, the network %d", sum, want)
	}
}

func TestErrors(t *testing.T) {
	n := narrow(t)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Runs: 1}, "found 0 and 1"},
		{Options{Batch: 1}, "found 1 and 0"},
		{Options{Batch: 1, Runs: 1, Recompute: true}, "trained"},
	} {
		if _, err := n.Speed(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v should contain %q", c.o, err, c.want)
		}
	}
	if _, err := New(n.backend, n.network, 60); err == nil {
		t.Error("a size below the smallest is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Speed(ctx, Options{Batch: 1, Runs: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	other, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := narrowOn(t, other).Layers(t.Context(), Options{Batch: 1, Runs: 1}); err == nil || !strings.Contains(err.Error(), engine.Name) {
		t.Errorf("layers of another backend: error %v", err)
	}
}

// TestInt8 measures a network that is quantised on random images, layer by layer, and expects
// its products to be of 8-bit integers, compared with their own peak.
func TestInt8(t *testing.T) {
	network, err := arch.New("inception_resnet_v2", arch.Options{Width: 0.25, Blocks: []int{1, 1, 1}, Precision: arch.Int8})
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(cpubackend.New(t), network, 107)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Batch: 2, Runs: 1}
	speed, err := n.Speed(t.Context(), o)
	if err != nil || speed.Precision != arch.Int8 || speed.Instructions == "" || speed.ImagesPerSecond <= 0 {
		t.Errorf("the speed is %+v, %v", speed, err)
	}
	l, err := n.Layers(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := l.Peaks
	if p.Int8 <= 0 || p.L1 < p.L2/2 || p.L2 <= 0 || p.Memory <= 0 || p.MemoryOfAll <= 0 || p.Barrier <= 0 || p.Of(dtypes.Int8) != p.Int8*float64(p.Threads) {
		t.Errorf("the peaks are %+v", p)
	}
	integers := 0
	for _, op := range l.Operations {
		if op.Bytes <= 0 && op.Name != "go backend" {
			t.Errorf("%s moves %d bytes", op.Name, op.Bytes)
		}
		if op.Products != dtypes.Int8 {
			continue
		}
		integers++
		fewer := strings.Contains(op.Algorithm, "inograd")
		if op.Done < op.MultiplyAdds != fewer || op.Loaded <= 0 || op.Compute <= 0 || op.Compute > 1.5 || op.Bound() == "" {
			t.Errorf("%s of %v does %d multiply-adds for %d, loads %d bytes, and takes %g of its time to compute", op.Name, op.Input, op.Done, op.MultiplyAdds, op.Loaded, op.Compute)
		}
	}
	if integers < 20 {
		t.Errorf("%d operations multiply integers, want all convolutions but the first", integers)
	}
}
