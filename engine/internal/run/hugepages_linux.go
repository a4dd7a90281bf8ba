package run

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// adviseHugePages asks for large pages, of which fewer are to be looked up and to be
// made: for those to come, and, of Linux 6.1 on, now, for the memory of a garbage collector has
// often been used before, and stays in small pages otherwise. These are hints, so errors do not matter.
func adviseHugePages(memory []byte) {
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(memory)))) & (tuning.HugePage - 1)
	if whole := (len(memory) - skip) &^ (tuning.HugePage - 1); whole > 0 {
		_ = unix.Madvise(memory[skip:][:whole], unix.MADV_HUGEPAGE)
		_ = unix.Madvise(memory[skip:][:whole], unix.MADV_COLLAPSE)
	}
}
