package dataset

import (
	"iter"
	"math/rand/v2"
)

// A place is one image in the stream of a loader.
type place struct {
	index int      // in the set
	epoch int      // of the randomness
	after Position // where the stream goes on
}

// A prepared image has its values, or why it is unreadable.
type prepared struct {
	image []float32 // [Side, Side, 3]
	err   error
}

// stream walks through the images in the order in which they are returned: those of the
// share.
func (l *Loader) stream() iter.Seq[place] {
	return func(yield func(place) bool) {
		at, share, seen := l.o.Start, l.o.Share, 0
		for ; l.o.Epochs == 0 || at.Epoch < l.o.Epochs; at = (Position{at.Epoch + 1, 0}) {
			var order []int
			if !l.o.Sequential {
				order = l.set.Order(l.o.Seed, at.Epoch)
			}
			for ; at.Index < l.set.Len(); at.Index++ {
				p := place{at.Index, at.Epoch, Position{at.Epoch, at.Index + 1}}
				if order != nil {
					p.index = order[at.Index]
				}
				if p.after.Index == l.set.Len() {
					p.after = Position{at.Epoch + 1, 0}
				}
				if share != (Share{}) {
					k := seen % share.Of
					seen++
					if k < share.From || k >= share.To {
						continue
					}
					if k == share.To-1 {
						p.after = l.set.advance(p.after, share.Of-share.To)
					}
				}
				if !yield(p) {
					return
				}
			}
		}
	}
}

// advance returns the position so many images later.
func (s *Set) advance(p Position, images int) Position {
	index := p.Index + images
	return Position{p.Epoch + index/s.Len(), index % s.Len()}
}

// prepare reads an image and makes it a network's input.
func (l *Loader) prepare(p place, to *prepared, reserve func(bytes int64)) {
	defer reserve(0) // images are of one size, and as many as there are results
	file, err := l.set.Read(p.index)
	if err != nil {
		to.err = err
		return
	}
	if to.image == nil {
		to.image = make([]float32, l.size)
	}
	reserve(int64(len(file)) + l.o.Preparation.Memory(file))
	random := rand.New(randomSource(l.o.Seed, p.epoch, l.set.items[p.index].key))
	to.err = l.o.Preparation.Prepare(to.image, file, random)
}
