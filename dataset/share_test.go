package dataset

import (
	"slices"
	"testing"
)

// TestShares expects loaders that divide a stream to return what one returns, batch for
// batch, also from where a run resumes with another number of them.
func TestShares(t *testing.T) {
	s := smallSet(t)
	const batches = 12
	o := options(2)
	o.Epochs = 0
	whole := load(t, s, o, batches)
	values := len(whole.images) / batches
	for _, shares := range []int{1, 2, 3} {
		for _, each := range []int{1, 2} { // batches in a share
			for _, first := range []int{0, 6} { // the batch that the run begins with
				of := shares * each
				for rank := range shares {
					part := o
					part.Share = Share{Of: of * o.Batch, From: rank * each * o.Batch, To: (rank + 1) * each * o.Batch}
					if first > 0 {
						part.Start = whole.ends[first-1]
					}
					steps := (batches - first) / of
					got := load(t, s, part, steps*each)
					for i := range steps * each {
						at := first + i/each*of + rank*each + i%each
						if !slices.Equal(got.images[i*values:][:values], whole.images[at*values:][:values]) || !slices.Equal(got.labels[i*o.Batch:][:o.Batch], whole.labels[at*o.Batch:][:o.Batch]) {
							t.Fatalf("batch %d of share %d of %d, from batch %d, is not batch %d of the stream", i, rank, shares, first, at)
						}
						if last := first + (i/each+1)*of - 1; i%each == each-1 && got.ends[i] != whole.ends[last] {
							t.Fatalf("step %d of share %d of %d ends at %v, want %v", i/each, rank, shares, got.ends[i], whole.ends[last])
						}
					}
				}
			}
		}
	}
}

// TestSharesUnreadable expects loaders to keep step where images are unreadable: such a one
// is replaced, and nothing else moves.
func TestSharesUnreadable(t *testing.T) {
	good, bad := smallSet(t), smallSet(t, "cat/003.jpg", "cat/004.jpg", "dog/005.jpg", "dog/007.jpg")
	o := options(2)
	o.Epochs = 0
	for rank := range 2 {
		o.Share = Share{Of: 4, From: 2 * rank, To: 2*rank + 2}
		o.Batch = 2
		want, got := load(t, good, o, 20), load(t, bad, o, 20)
		if got.err != nil || !slices.Equal(got.ends, want.ends) || len(got.indexes) != len(want.indexes) {
			t.Fatalf("rank %d: %d images, want %d; %v", rank, len(got.indexes), len(want.indexes), got.err)
		}
		replaced := 0
		for i := range want.indexes {
			if got.indexes[i] != want.indexes[i] {
				replaced++
			}
			if name := bad.Name(got.indexes[i]); slices.Contains([]string{"cat/003.jpg", "cat/004.jpg", "dog/005.jpg", "dog/007.jpg"}, name) {
				t.Errorf("rank %d has the unreadable %s", rank, name)
			}
		}
		if replaced == 0 || got.stats.Unreadable == 0 {
			t.Errorf("rank %d replaced %d images, %d are unreadable", rank, replaced, got.stats.Unreadable)
		}
	}
}

func TestShareRefused(t *testing.T) {
	for _, share := range []Share{{Of: 4, From: 2, To: 2}, {Of: 4, From: 2, To: 6}, {Of: 8, From: 0, To: 6}, {Of: 8, From: -4, To: 4}} {
		o := options(1)
		o.Share = share
		if _, err := NewLoader(smallSet(t), o); err == nil {
			t.Errorf("the share %+v is taken", share)
		}
	}
}
