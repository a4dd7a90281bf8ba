package ahead

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// numbers are 0, 1, 2 and so on, n of them, or without end when n is negative.
func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i != n && yield(i); i++ {
		}
	}
}

// A square is a result that tells how often it was used.
type square struct {
	of, value int
	buffer    []int
}

// TestOrder prepares in random time and expects the order of the inputs, and no more
// results at a time than are asked for, with their buffers.
func TestOrder(t *testing.T) {
	for _, o := range []Options{{}, {Workers: 1}, {Workers: 1, Results: 1}, {Workers: 4}, {Workers: 3, Results: 10}, {Workers: 8, Results: 2}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			const n = 200
			var buffers atomic.Int64
			var got []int
			err := Each(context.Background(), o, numbers(n), func(i int, s *square, _ func(int64)) {
				if s.buffer == nil {
					buffers.Add(1)
					s.buffer = make([]int, 0, n)
				}
				time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
				s.of, s.value = i, i*i
			}, func(i int, s *square) error {
				if s.of != i || s.value != i*i {
					t.Errorf("input %d has the result of %d", i, s.of)
				}
				got = append(got, i)
				return nil
			})
			if err != nil || !slices.Equal(got, slices.Collect(numbers(n))) {
				t.Errorf("%v, %v", got, err)
			}
			if b := buffers.Load(); o.Results > 0 && b > int64(o.Results) || b < 1 {
				t.Errorf("%d results, want at most %d", b, o.Results)
			}
		})
	}
}

// TestAhead expects the results that follow to be prepared while one is used, as many as
// there is room for.
func TestAhead(t *testing.T) {
	const results = 5
	prepared := make(chan int, results)
	use := func(i int, _ *struct{}) error {
		if i > 0 {
			return nil
		}
		for range results {
			select {
			case <-prepared:
			case <-time.After(10 * time.Second):
				t.Fatal("nothing is prepared ahead")
			}
		}
		select {
		case i := <-prepared:
			t.Errorf("input %d is prepared without room for it", i)
		case <-time.After(10 * time.Millisecond):
		}
		return nil
	}
	err := Each(context.Background(), Options{Workers: 2, Results: results}, numbers(9), func(i int, _ *struct{}, _ func(int64)) { prepared <- i }, use)
	if err != nil {
		t.Error(err)
	}
}

// TestEnds expects an end without end of the inputs, after which nothing runs.
func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		use  func(cancel context.CancelCauseFunc) error
		want error
	}{
		{"error", func(context.CancelCauseFunc) error { return broken }, broken},
		{"cause", func(cancel context.CancelCauseFunc) error { cancel(broken); return nil }, broken},
		{"cancelled", func(cancel context.CancelCauseFunc) error { cancel(nil); return nil }, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			var working, used atomic.Int64
			err := Each(ctx, Options{Workers: 3}, numbers(-1), func(int, *struct{}, func(int64)) {
				working.Add(1)
				time.Sleep(time.Millisecond)
				working.Add(-1)
			}, func(i int, _ *struct{}) error {
				used.Add(1)
				if i == 7 {
					return c.use(cancel)
				}
				return nil
			})
			if !errors.Is(err, c.want) || used.Load() != 8 || working.Load() != 0 {
				t.Errorf("%v after %d uses, with %d at work; want %v after 8", err, used.Load(), working.Load(), c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := Each(ctx, Options{}, numbers(-1), func(int, *struct{}, func(int64)) {}, func(int, *struct{}) error {
		t.Error("a result is used after the end")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := Each(context.Background(), Options{}, numbers(0), func(int, *struct{}, func(int64)) {}, func(int, *struct{}) error { return broken }); err != nil {
		t.Errorf("without inputs: %v", err)
	}
}

// TestBytes has results of many sizes, some larger than all memory that there is, whose
// reservations grow twice, and expects no more than is allowed but for the one whose turn
// it is, and no end of the progress.
func TestBytes(t *testing.T) {
	const limit, n = 1000, 300
	var held, most atomic.Int64
	set := func(have *int64, want int64) {
		now := held.Add(want - *have)
		*have = want
		for {
			m := most.Load()
			if now <= m || most.CompareAndSwap(m, now) {
				return
			}
		}
	}
	sizes := func(i int) []int64 {
		last := int64(i * 37 % 500)
		if i%50 == 49 {
			last = 3 * limit
		}
		return []int64{int64(i % 90), last, int64(i % 7)}
	}
	type holding struct{ bytes int64 }
	used := 0
	err := Each(context.Background(), Options{Workers: 5, Results: 20, Bytes: limit}, numbers(n), func(i int, h *holding, reserve func(int64)) {
		for _, bytes := range sizes(i) {
			if bytes < h.bytes { // what is given back is not held any more
				set(&h.bytes, bytes)
				reserve(bytes)
				continue
			}
			reserve(bytes)
			set(&h.bytes, bytes)
			time.Sleep(20 * time.Microsecond)
		}
	}, func(_ int, h *holding) error {
		set(&h.bytes, 0)
		used++
		return nil
	})
	if err != nil || used != n {
		t.Errorf("%v after %d results, want %d", err, used, n)
	}
	if m := most.Load(); m > limit+3*limit {
		t.Errorf("%d bytes were held at a time, want at most %d and one result", m, limit)
	}

	// A wait ends with the context.
	ctx, cancel := context.WithCancel(context.Background())
	err = Each(ctx, Options{Workers: 4, Bytes: 10}, numbers(-1), func(_ int, _ *holding, reserve func(int64)) { reserve(10) }, func(i int, _ *holding) error {
		if i == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
}
