package predict

import "sync"

// Turns lets Batchers compute in the order in which they ask, those side by side whose threads
// there are.
type Turns struct {
	threads int

	mu      sync.Mutex
	free    int
	waiting []turn
}

// A turn is threads that are waited for.
type turn struct {
	threads int
	given   chan struct{}
}

// NewTurns returns Turns for any number of Batchers that compute with a number of threads in
// all.
func NewTurns(threads int) *Turns { return &Turns{threads: threads, free: threads} }

// take waits for threads, no more than there are in all, and returns how many it took.
func (t *Turns) take(threads int) int {
	if threads == 0 || threads > t.threads {
		threads = t.threads
	}
	t.mu.Lock()
	if len(t.waiting) == 0 && threads <= t.free {
		t.free -= threads
		t.mu.Unlock()
		return threads
	}
	given := make(chan struct{})
	t.waiting = append(t.waiting, turn{threads, given})
	t.mu.Unlock()
	<-given
	return threads
}

func (t *Turns) give(threads int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free += threads
	for len(t.waiting) > 0 && t.waiting[0].threads <= t.free {
		t.free -= t.waiting[0].threads
		close(t.waiting[0].given)
		t.waiting = t.waiting[1:]
	}
}
