//go:build xla

package train

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/xlabackend"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// TestReplicasXLA trains on a backend whose gradients are on a device: two replicas, which
// bring them from there to add them, compute what one does with two micro-batches.
func TestReplicasXLA(t *testing.T) {
	backend := xlabackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	r.MicroBatches, r.Epochs = 2, 1
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	if _, err := Start(t.Context(), backend, one, r, Options{}); err != nil {
		t.Fatal(err)
	}
	for rank, result := range startTogether(t, backend, two, r, 2) {
		if !result.Finished || result.Reduction.Time <= 0 {
			t.Errorf("replica %d ended as %+v", rank, result)
		}
	}
	want, got := losses(t, one), losses(t, two)
	if len(want) == 0 || len(got) != len(want) {
		t.Fatalf("there are %d losses, and %d of one replica", len(got), len(want))
	}
	for i := range want {
		// XLA orders sums as it likes, in programs that are not the same.
		if math.Abs(got[i]-want[i]) > 1e-4*want[i] {
			t.Errorf("loss %d is %g, of one replica %g", i, got[i], want[i])
		}
	}
	t.Logf("losses of two replicas %v, of one %v", got, want)
}

// TestBringAheadXLA trains on a device to which images are copied while the step before runs: it
// computes what it does where they are in its memory, and hardly waits for them.
func TestBringAheadXLA(t *testing.T) {
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	r.MicroBatches, r.Epochs = 2, 1
	shared, apart := filepath.Join(t.TempDir(), "shared"), filepath.Join(t.TempDir(), "apart")
	if _, err := Start(t.Context(), xlabackend.New(t), shared, r, Options{}); err != nil {
		t.Fatal(err)
	}
	backend := xlabackend.New(t, "noshared_buffers")
	if backend.HasSharedBuffers() {
		t.Fatal("the backend shares its memory")
	}
	result, err := Start(t.Context(), backend, apart, r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want, got := losses(t, shared), losses(t, apart); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("losses %v, want %v", got, want)
	}
	t.Logf("steps waited %v of %v for images", result.Waiting, result.Time)
}

// TestSynchronisedXLA expects an error of what a program on a device cannot do.
func TestSynchronisedXLA(t *testing.T) {
	backend := xlabackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	r.BatchNorm = recipe.BatchNormSynchronised
	_, err := trainTogether(2, func(_ int, o Options) (*Result, error) {
		return Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, o)
	})
	if err == nil || !strings.Contains(err.Error(), "cannot be synchronised over replicas on the backend xla") {
		t.Errorf("the error is %v", err)
	}
}
