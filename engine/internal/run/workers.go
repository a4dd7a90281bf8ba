package run

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// Workers are the threads that share the work of programs. The caller of a program is one
// of them, thread 0. Idle ones park.
type Workers struct {
	Threads int
	tasks   chan *task
	quit    chan struct{} // closed at the end
}

// A task is work in parts, which threads take one after the other. It can be run
// again when it has ended.
type task struct {
	do     func(part, thread int)
	parts  int
	next   atomic.Int64
	active atomic.Int64 // threads beside the caller
	panic  atomic.Pointer[PanicError]
}

// A PanicError is a panic of what computes an operation, in whichever thread.
type PanicError struct {
	Operation string // which one
	Value     any    // what was given to panic
	Stack     []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("cpu: %s panicked, which is a fault of the engine: %v", e.Operation, e.Value)
}

// NewWorkers starts threads; the caller counts as one.
func NewWorkers(threads int) *Workers {
	w := &Workers{Threads: threads, tasks: make(chan *task, 64*threads), quit: make(chan struct{})}
	for thread := 1; thread < threads; thread++ {
		go func() {
			for t := w.await(); t != nil; t = w.await() {
				t.active.Add(1)
				t.work(thread)
				t.active.Add(-1)
			}
		}()
	}
	return w
}

// await returns the next task, or nil when there will be none.
func (w *Workers) await() *task {
	for start := time.Now(); time.Since(start) < tuning.Spinning; {
		for range 64 {
			select {
			case t := <-w.tasks:
				return t
			default:
			}
		}
	}
	select {
	case t := <-w.tasks:
		return t
	case <-w.quit:
		return nil
	}
}

// Close ends the threads. Work that is under way is finished, by its caller alone.
func (w *Workers) Close() { close(w.quit) }

// work does parts until there are no more. A panic ends the task: the parts that nobody
// has begun are left.
func (t *task) work(thread int) {
	defer func() {
		if v := recover(); v != nil {
			t.panic.CompareAndSwap(nil, &PanicError{Value: v, Stack: debug.Stack()})
			t.next.Store(int64(t.parts))
		}
	}()
	for {
		part := int(t.next.Add(1)) - 1
		if part >= t.parts {
			return
		}
		t.do(part, thread)
	}
}

// share does all parts of a task, on as many threads as are free, and returns when
// all have been done. A thread that finds the task ended leaves it alone; one that
// finds it begun anew takes part. The error is a PanicError.
func (w *Workers) share(t *task) error {
	t.panic.Store(nil)
	t.next.Store(0)
	for range min(w.Threads, t.parts) - 1 {
		select {
		case w.tasks <- t:
		default: // all are busy with other programs
		}
	}
	t.work(0)
	for t.active.Load() > 0 {
		runtime.Gosched()
	}
	if e := t.panic.Load(); e != nil {
		return e
	}
	return nil
}

// Barrier measures, for at least the given time, how long a task takes in which each thread
// does nothing but to wait for all others: the median.
func (w *Workers) Barrier(duration time.Duration) time.Duration {
	var arrived atomic.Int64
	t := &task{parts: w.Threads, do: func(int, int) {
		arrived.Add(1)
		// Threads that are busy with other programs may not come.
		for begin := time.Now(); arrived.Load() < int64(w.Threads) && time.Since(begin) < tuning.Spinning; {
		}
	}}
	var taken []time.Duration
	for start := time.Now(); len(taken) == 0 || time.Since(start) < duration; {
		arrived.Store(0)
		begin := time.Now()
		_ = w.share(t) // it does nothing that could panic
		taken = append(taken, time.Since(begin))
	}
	slices.Sort(taken)
	return taken[len(taken)/2]
}
