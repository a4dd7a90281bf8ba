package run

import (
	"testing"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// TestInLargePages looks at where memory begins, and that all of it is there.
func TestInLargePages(t *testing.T) {
	for size, unit := range map[int]uintptr{
		1: tuning.CacheLine, tuning.HugePage/2 - 1: tuning.CacheLine,
		tuning.HugePage / 2: tuning.HugePage, tuning.HugePage + 5: tuning.HugePage, 3 * tuning.HugePage: tuning.HugePage,
	} {
		memory := inLargePages(size)
		if len(memory) != size || cap(memory) != size {
			t.Errorf("%d bytes have a length of %d and a capacity of %d", size, len(memory), cap(memory))
		}
		if at := uintptr(unsafe.Pointer(&memory[0])); at%unit != 0 {
			t.Errorf("%d bytes begin %d bytes after a multiple of %d", size, at%unit, unit)
		}
		memory[size-1] = 1
	}
}
