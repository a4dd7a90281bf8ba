package run

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
	"weak"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// A shelf knows the packed weights that programs hold, so that programs of one network, for
// other numbers of images, hold the same: what is equal, byte by byte, is there once. It keeps
// nothing alive.
type shelf struct {
	mutex sync.Mutex
	held  map[uint64][]shelved
}

// shelved is weights in memory that may be gone.
type shelved struct {
	first weak.Pointer[byte]
	size  int
}

var shelfSeed = maphash.MakeSeed()

// hold returns bytes that are equal to each of the parts of one piece of memory: those that
// are held already, or else the parts, which are moved to memory of their own where others
// need not stay.
func (s *shelf) hold(parts [][]byte) [][]byte {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.forget()
	all, keys := make([][]byte, len(parts)), make([]uint64, len(parts))
	size, found := 0, false
	for i, part := range parts {
		keys[i] = sketch(part)
		if all[i] = s.find(keys[i], part); all[i] != nil {
			found = true
		} else {
			size += plan.Lines(len(part)) * tuning.CacheLine
		}
	}
	var moved []byte
	if found && size > 0 {
		moved = aligned(size)
	}
	if s.held == nil {
		s.held = map[uint64][]shelved{}
	}
	for i, part := range parts {
		if all[i] != nil {
			continue
		}
		all[i] = part
		if found {
			all[i] = moved[:len(part):len(part)]
			copy(all[i], part)
			moved = moved[plan.Lines(len(part))*tuning.CacheLine:]
		}
		s.held[keys[i]] = append(s.held[keys[i]], shelved{weak.Make(&all[i][0]), len(part)})
	}
	return all
}

// find returns bytes that are held and equal, or nil.
func (s *shelf) find(key uint64, part []byte) []byte {
	for _, h := range s.held[key] {
		if first := h.first.Value(); first != nil {
			if held := bytesAt(first, h.size); bytes.Equal(held, part) {
				return held
			}
		}
	}
	return nil
}

// forget forgets what is gone.
func (s *shelf) forget() {
	for key, all := range s.held {
		all = slices.DeleteFunc(all, func(h shelved) bool { return h.first.Value() == nil })
		if s.held[key] = all; len(all) == 0 {
			delete(s.held, key)
		}
	}
}

// sketch is a number that equal bytes have in common, of some of them.
func sketch(part []byte) uint64 {
	const samples = 64
	var h maphash.Hash
	h.SetSeed(shelfSeed)
	maphash.WriteComparable(&h, len(part))
	for i := range samples {
		at := i * (len(part) / samples)
		h.Write(part[at:min(at+tuning.CacheLine, len(part))])
	}
	return h.Sum64()
}
