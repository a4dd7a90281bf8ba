package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// workers are the threads that share the work of programs. The caller of a program
// is one of them. Idle ones are parked.
type workers struct {
	tasks chan *task
	count int
	stop  sync.Once
}

// A task is work in parts, which threads take one after the other.
type task struct {
	do     func(part, thread int)
	parts  int
	next   atomic.Int64
	joined atomic.Int64 // threads, for their numbers
	active atomic.Int64
}

func newWorkers(count int) *workers {
	w := &workers{count: count, tasks: make(chan *task, 64*count)}
	for range count - 1 {
		go func() {
			for t := range w.tasks {
				t.join()
			}
		}()
	}
	return w
}

// close ends the threads. There must be no work.
func (w *workers) close() { w.stop.Do(func() { close(w.tasks) }) }

func (t *task) join() {
	t.active.Add(1)
	// A task whose parts are all taken may have been left by its caller.
	if t.next.Load() < int64(t.parts) {
		t.work(int(t.joined.Add(1)))
	}
	t.active.Add(-1)
}

func (t *task) work(thread int) {
	for {
		part := int(t.next.Add(1)) - 1
		if part >= t.parts {
			return
		}
		t.do(part, thread)
	}
}

// each calls do for every part from 0 up to parts, on as many threads as are free,
// and returns when all calls have returned. thread is less than the number of
// workers, and different for calls at the same time.
func (w *workers) each(parts int, do func(part, thread int)) {
	helpers := min(w.count, parts) - 1
	t := &task{do: do, parts: parts}
	for range helpers {
		select {
		case w.tasks <- t:
		default: // all busy with other programs
		}
	}
	t.work(0)
	for t.active.Load() > 0 {
		runtime.Gosched()
	}
}
