package train

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/dataset"
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
