package engine

import (
	"cmp"
	"slices"
	"unsafe"
)

const (
	floatsPerLine = 16  // of a cache line of 64 bytes
	aliasing      = 256 // floats: pixels a multiple of 1024 bytes apart fall on the same cache sets
)

// pitchOf is the distance between the pixels of a tensor of c channels: whole
// cache lines, and not a distance at which the rows of a tile alias. Images of a few
// channels have their pixels side by side.
func pitchOf(c int) int {
	if c < floatsPerLine {
		return c
	}
	pitch := (c + floatsPerLine - 1) / floatsPerLine * floatsPerLine
	if pitch%aliasing == 0 {
		pitch += floatsPerLine
	}
	return pitch
}

// A lifetime is the span of operations that need a tensor's memory.
type lifetime struct {
	tensor      *tensor
	first, last int
	size        int
}

// planMemory gives every tensor of the operations its place in one arena, so that
// tensors that are needed at the same time do not overlap, and returns the arena's
// size in floats. Tensors in buffers have their values side by side. The outputs are read
// after the last operation.
func planMemory(operations []operation, outputs []*tensor) int {
	spans := map[*tensor]*lifetime{}
	var all []*lifetime
	touch := func(t *tensor, at int) {
		t = t.whole()
		if t.buffer > 0 {
			t.pitch = t.c
			return
		}
		s, ok := spans[t]
		if !ok {
			if t.pitch = pitchOf(t.c); t.dense {
				t.pitch = t.c
			}
			s = &lifetime{tensor: t, first: at, size: (t.pixels()*t.pitch + floatsPerLine - 1) / floatsPerLine * floatsPerLine}
			spans[t] = s
			all = append(all, s)
		}
		s.first, s.last = min(s.first, at), max(s.last, at)
	}
	for at, o := range operations {
		for _, t := range o.reads() {
			touch(t, at)
		}
		for _, t := range o.writes() {
			touch(t, at)
		}
	}
	for _, t := range outputs {
		touch(t, len(operations))
	}
	// The largest first, each at the lowest place that is free as long as it lives.
	slices.SortStableFunc(all, func(a, b *lifetime) int { return cmp.Compare(b.size, a.size) })
	size := 0
	for i, s := range all {
		var taken []*lifetime
		for _, other := range all[:i] {
			if other.first <= s.last && s.first <= other.last {
				taken = append(taken, other)
			}
		}
		slices.SortFunc(taken, func(a, b *lifetime) int { return cmp.Compare(a.tensor.offset, b.tensor.offset) })
		at := 0
		for _, other := range taken {
			if at+s.size <= other.tensor.offset {
				break
			}
			at = max(at, other.tensor.offset+other.size)
		}
		s.tensor.offset = at
		size = max(size, at+s.size)
	}
	for _, o := range operations {
		for _, t := range o.reads() {
			t.place()
		}
		for _, t := range o.writes() {
			t.place()
		}
	}
	for _, t := range outputs {
		t.place()
	}
	return size
}

// alignedFloats returns zeros whose first value begins a cache line, in large pages
// where the system has them.
func alignedFloats(size int) []float32 {
	all := make([]float32, size+floatsPerLine)
	adviseHugePages(all)
	skip := 0
	if misplaced := int(uintptr(unsafe.Pointer(unsafe.SliceData(all))) / 4 % floatsPerLine); misplaced > 0 {
		skip = floatsPerLine - misplaced
	}
	return all[skip:][:size:size]
}
