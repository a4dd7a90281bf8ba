package plan

import (
	"cmp"
	"slices"
)

// A lifetime is the span of operations that need a tensor's memory.
type lifetime struct {
	tensor      *Tensor
	first, last int
	offset      int // bytes
	size        int
}

func (l *lifetime) overlaps(other *lifetime) bool {
	return other.first <= l.last && l.first <= other.last
}

// lifetimes lists the tensors with memory of their own in the arena, in the order of their
// first use. Outputs are read after the last operation.
func (p *Plan) lifetimes() []*lifetime {
	spans := map[*Tensor]*lifetime{}
	var all []*lifetime
	touch := func(at int, tensors []*Tensor) {
		for _, t := range tensors {
			t = t.Whole()
			if !t.InArena() {
				continue
			}
			s, ok := spans[t]
			if !ok {
				s = &lifetime{tensor: t, first: at, size: t.Bytes()}
				if place, ok := t.Place.(Arena); ok {
					s.offset = place.Offset
				}
				spans[t] = s
				all = append(all, s)
			}
			s.first, s.last = min(s.first, at), max(s.last, at)
		}
	}
	for at, o := range p.Operations {
		touch(at, o.Reads())
		touch(at, o.Writes())
		touch(at, workspace(o))
	}
	touch(len(p.Operations), p.Held())
	return all
}

// divideArena gives every tensor that has no other place one in the arena, so that tensors
// that are needed at the same time do not overlap: the largest first, each at the lowest
// place that is free as long as it lives.
func divideArena(p *Plan) error {
	all := p.lifetimes()
	slices.SortStableFunc(all, func(a, b *lifetime) int { return cmp.Compare(b.size, a.size) })
	for i, s := range all {
		var taken []*lifetime
		for _, other := range all[:i] {
			if s.overlaps(other) {
				taken = append(taken, other)
			}
		}
		slices.SortFunc(taken, func(a, b *lifetime) int { return cmp.Compare(a.offset, b.offset) })
		s.offset = 0
		for _, other := range taken {
			if s.offset+s.size <= other.offset {
				break
			}
			s.offset = max(s.offset, other.offset+other.size)
		}
		p.Arena = max(p.Arena, s.offset+s.size)
	}
	for _, s := range all {
		s.tensor.Place = Arena{s.offset}
	}
	return nil
}
