package run

import (
	"bytes"
	"runtime"
	"slices"
	"testing"
	"unsafe"
)

func TestShelf(t *testing.T) {
	var s shelf
	made := func(values ...byte) (parts [][]byte) {
		all := aligned(256 * len(values))
		for i, v := range values {
			part := all[256*i:][: 200+int(v) : 200+int(v)]
			for j := range part {
				part[j] = v
			}
			parts = append(parts, part)
		}
		return parts
	}
	same := func(a, b []byte) bool { return unsafe.SliceData(a) == unsafe.SliceData(b) && len(a) == len(b) }
	first := made(1, 2, 3)
	for i, held := range s.hold(first) {
		if !same(held, first[i]) {
			t.Errorf("weights %d of the first program were moved", i)
		}
	}
	next := made(3, 4, 2)
	next[2][199] = 5 // beyond what is sampled or not: equal is every byte
	held := s.hold(next)
	if !same(held[0], first[2]) {
		t.Error("equal weights are there twice")
	}
	for i := 1; i < 3; i++ {
		if same(held[i], first[1]) || same(held[i], next[i]) || !bytes.Equal(held[i], next[i]) {
			t.Errorf("weights %d: expected equal ones in memory of their own", i)
		}
	}
	count := func() (n int) {
		for _, all := range s.held {
			n += len(all)
		}
		return n
	}
	if n := count(); n != 5 {
		t.Errorf("%d weights are known, expected 5", n)
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(next)
	third := s.hold(made(1))
	if !slices.Equal(third[0], first[0]) || !same(third[0], first[0]) {
		t.Error("weights of the first program were not found")
	}
	runtime.KeepAlive(held)
	first, next, held, third = nil, nil, nil, nil
	runtime.GC()
	if s.hold(made(7)); count() != 1 {
		t.Errorf("%d weights are known after all but one are gone", count())
	}
}
