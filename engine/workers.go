package engine

import (
	"runtime"
	"sync/atomic"
	"time"
)

// workers are the threads that share the work of programs. The caller of a program
// is one of them, thread 0. Idle ones park.
type workers struct {
	tasks chan *task
	count int
}

// A task is work in parts, which threads take one after the other. It can be run
// again when it has ended.
type task struct {
	do     func(part, thread int)
	parts  int
	next   atomic.Int64
	active atomic.Int64 // threads beside the caller
}

func newWorkers(count int) *workers {
	w := &workers{count: count, tasks: make(chan *task, 64*count)}
	for thread := 1; thread < count; thread++ {
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

// spinning is how long a thread looks for work before it parks: longer than the
// pauses between the steps of a program, for waking a thread takes as long as a
// small step.
const spinning = 200 * time.Microsecond

// await returns the next task, or nil when there will be none.
func (w *workers) await() *task {
	for start := time.Now(); time.Since(start) < spinning; {
		for range 64 {
			select {
			case t := <-w.tasks:
				return t
			default:
			}
		}
	}
	return <-w.tasks
}

// close ends the threads. There must be no work.
func (w *workers) close() { close(w.tasks) }

func (t *task) work(thread int) {
	for {
		part := int(t.next.Add(1)) - 1
		if part >= t.parts {
			return
		}
		t.do(part, thread)
	}
}

// run does all parts of a task, on as many threads as are free, and returns when
// all have been done. A thread that finds the task ended leaves it alone; one that
// finds it begun anew takes part.
func (w *workers) run(t *task) {
	t.next.Store(0)
	for range min(w.count, t.parts) - 1 {
		select {
		case w.tasks <- t:
		default: // all are busy with other programs
		}
	}
	t.work(0)
	for t.active.Load() > 0 {
		runtime.Gosched()
	}
}
