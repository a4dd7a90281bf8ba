package quantize

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/ahead"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// Photographs are those of a set that a model is quantised on.
type Photographs struct {
	Set           *dataset.Set
	Preprocessing vision.Preprocessing
	Decode        vision.DecodeOptions
	// Unreadable is told of each photograph that cannot be decoded, which is then left out.
	// When nil, the first is an error.
	Unreadable func(name string, err error)
	// Progress is told how many are done; it may be nil.
	Progress func(done, total int)
}

// A Photograph is what a network takes.
type Photograph struct {
	// Pixels are [size, size, 3]. They are used again for another.
	Pixels []float32
	// Label is that of the set; -1 where it is not known.
	Label int
}

// Divide draws two parts of the set, the same at each call: indices of those to observe, and
// of others to compare on. Of a set with less than both, the second has a third.
func (p *Photographs) Divide(observe, compare int) (observed, compared []int) {
	n := p.Set.Len()
	if observe+compare > n {
		compare = min(compare, n/3)
		observe = min(observe, n-compare)
	}
	order := rand.New(rand.NewPCG(1, 1)).Perm(n)
	observed, compared = order[:observe], order[observe:observe+compare]
	slices.Sort(observed)
	slices.Sort(compared)
	return observed, compared
}

// Halve deals indices out to two parts in turn, so that sets in the order of their classes
// have all classes in both. Of an odd number the second has one more.
func Halve(indices []int) (first, second []int) {
	for i, index := range indices {
		if i%2 == 0 {
			second = append(second, index)
		} else {
			first = append(first, index)
		}
	}
	return first, second
}

// Each yields the photographs of the given indices, decoded ahead.
func (p *Photographs) Each(ctx context.Context, indices []int) iter.Seq2[Photograph, error] {
	type result struct {
		pixels []float32
		err    error
	}
	size := p.Preprocessing.Size
	prepare := func(i int, r *result, reserve func(bytes int64)) {
		if r.pixels == nil {
			r.pixels = make([]float32, size*size*3)
		}
		data, err := p.Set.Read(i)
		if err == nil {
			var image *vision.Image
			o := p.Decode
			o.ResizedTo, o.Reserve, o.Alpha = p.Preprocessing.ResizedTo(), reserve, p.Preprocessing.Alpha
			if image, err = vision.Decode(data, o); err == nil {
				err = p.Preprocessing.Apply(r.pixels, image)
			}
		}
		reserve(int64(4 * len(r.pixels)))
		r.err = err
	}
	return func(yield func(Photograph, error) bool) {
		done, stopped := 0, fmt.Errorf("stopped")
		err := ahead.Each(ctx, ahead.Options{}, slices.Values(indices), prepare, func(i int, r *result) error {
			done++
			switch {
			case r.err != nil && p.Unreadable == nil:
				return fmt.Errorf("%s cannot be used; repair or remove it, or skip unreadable images: %w", p.Set.Name(i), r.err)
			case r.err != nil:
				p.Unreadable(p.Set.Name(i), r.err)
			case !yield(Photograph{r.pixels, p.Set.Label(i)}, nil):
				return stopped
			}
			if p.Progress != nil {
				p.Progress(done, len(indices))
			}
			return nil
		})
		if err != nil && err != stopped {
			yield(Photograph{}, err)
		}
	}
}

// Pixels yields those of photographs.
func Pixels(photographs iter.Seq2[Photograph, error]) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for p, err := range photographs {
			if !yield(p.Pixels, err) {
				return
			}
		}
	}
}
