package train

import (
	"context"
	"time"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/train/step"
)

// A feed gives a run its micro-batches. On a device with memory of its own the images of the
// next are brought there while the device computes, so that a step finds them.
type feed struct {
	load func(ctx context.Context) (*dataset.Batch, error)
	// bring returns what load has loaded, on the device; nil where it stays where it is.
	bring func(images []float32, batch int) (*step.Brought, error)

	context context.Context // of what is fetched ahead
	stop    context.CancelFunc
	coming  chan food // what is fetched ahead; nil for nothing
	waited  time.Duration
}

// food is a micro-batch, or why there is none.
type food struct {
	*dataset.Batch
	brought *step.Brought
	err     error
}

func newFeed(load func(context.Context) (*dataset.Batch, error), bring func(images []float32, batch int) (*step.Brought, error)) *feed {
	f := &feed{load: load, bring: bring}
	f.context, f.stop = context.WithCancel(context.Background())
	return f
}

// next returns the next micro-batch. Its images and labels are valid until ahead is called, or
// next where it is not.
func (f *feed) next(ctx context.Context) (food, error) {
	begin := time.Now()
	defer func() { f.waited += time.Since(begin) }()
	if f.coming == nil {
		got := f.fetch(ctx)
		return got, got.err
	}
	select {
	case got := <-f.coming:
		f.coming = nil
		return got, got.err
	case <-ctx.Done():
		return food{}, context.Cause(ctx)
	}
}

// ahead begins to fetch the next micro-batch, where that has to be brought somewhere.
func (f *feed) ahead() {
	coming := make(chan food, 1)
	f.coming = coming
	go func() { coming <- f.fetch(f.context) }()
}

func (f *feed) fetch(ctx context.Context) food {
	batch, err := f.load(ctx)
	if err != nil {
		return food{err: err}
	}
	brought, err := f.bring(batch.Images, len(batch.Labels))
	return food{batch, brought, err}
}

// close ends what is fetched ahead.
func (f *feed) close() {
	f.stop()
	if f.coming != nil {
		if got := <-f.coming; got.brought != nil {
			got.brought.Close()
		}
	}
}
