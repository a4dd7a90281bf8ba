// Package ahead prepares things in parallel before their turn comes, such as photographs
// that are decoded while a network runs, and hands them over in order.
package ahead

import (
	"context"
	"iter"
	"runtime"
	"sync"
)

// Options bound the work that is done ahead. The zero value suits the machine.
type Options struct {
	// Workers is the number of goroutines that prepare; GOMAXPROCS when zero.
	Workers int
	// Results is how many there are at most between the beginning of their preparation
	// and the end of their use; two for each worker when zero.
	Results int
	// Bytes is how much memory all results may hold, as their preparation tells it, before
	// others wait; DefaultBytes and as much for each worker when zero. The result whose turn
	// is next never waits, so that a single one may be larger.
	Bytes int64
}

// DefaultBytes holds a photograph of 12 megapixels and its file at full size.
const DefaultBytes = 64 << 20

// Each calls prepare for every input, from several goroutines, and use for every result in
// the order of the inputs, from the caller's. What is wrong with one input belongs into
// its result, so that the others go on.
//
// prepare calls reserve with the bytes that a result holds before it takes them, again
// when that changes; they are free after use, and a result that tells none counts as none.
//
// A result is given to prepare again, as use left it, for a later input: it keeps its
// buffers, and use must not keep it. Each ends with the inputs, with the first error of
// use, or with the context, whose cause it then returns; then nothing runs any more.
// Inputs may go on without end.
func Each[Input, Result any](ctx context.Context, o Options, inputs iter.Seq[Input], prepare func(input Input, to *Result, reserve func(bytes int64)), use func(Input, *Result) error) error {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Results == 0 {
		o.Results = 2 * o.Workers
	}
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes * int64(1+o.Workers)
	}
	type job struct {
		input  Input
		result Result
		place  int           // among all inputs
		bytes  int64         // reserved
		done   chan struct{} // receives a value when result is prepared
	}
	free := make(chan *job, o.Results)
	todo := make(chan *job, o.Results)
	inOrder := make(chan *job, o.Results)
	for range o.Results {
		free <- &job{done: make(chan struct{}, 1)}
	}
	ctx, stop := context.WithCancel(ctx)
	memory := newBudget(ctx, o.Bytes)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() {
		defer close(inOrder)
		defer close(todo)
		place := 0
		for input := range inputs {
			select {
			case j := <-free:
				j.input, j.place = input, place
				place++
				inOrder <- j // never full: there are no more jobs than it holds
				todo <- j
			case <-ctx.Done():
				return
			}
		}
	})
	for range o.Workers {
		running.Go(func() {
			for j := range todo {
				if ctx.Err() == nil {
					prepare(j.input, &j.result, func(bytes int64) { memory.change(j.place, &j.bytes, bytes) })
				}
				j.done <- struct{}{}
			}
		})
	}
	for j := range inOrder {
		memory.serve(j.place)
		select {
		case <-j.done:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		if err := use(j.input, &j.result); err != nil {
			return err
		}
		memory.change(j.place, &j.bytes, 0)
		free <- j
	}
	return context.Cause(ctx)
}
