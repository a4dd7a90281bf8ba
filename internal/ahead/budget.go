package ahead

import (
	"context"
	"sync"
)

// A budget is memory that jobs share. One waits until there is enough for it, or until all
// before it are done, so that they never wait for one another.
type budget struct {
	mu      sync.Mutex
	changed sync.Cond
	limit   int64
	held    int64
	serving int // the place of the job whose turn it is
	ended   bool
}

func newBudget(ctx context.Context, limit int64) *budget {
	b := &budget{limit: limit}
	b.changed.L = &b.mu
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.ended = true
		b.changed.Broadcast()
	})
	return b
}

// change makes a job's share another one. Only more of it waits.
func (b *budget) change(place int, share *int64, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	more := max(bytes, 0) - *share
	for more > 0 && b.held+more > b.limit && place > b.serving && !b.ended {
		b.changed.Wait()
	}
	b.held += more
	*share += more
	if more < 0 {
		b.changed.Broadcast()
	}
}

// serve lets the job at a place go on whatever it takes.
func (b *budget) serve(place int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serving = place
	b.changed.Broadcast()
}
