package run

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// adviseHugePages asks for large pages, of which fewer are to be looked up and to be
// made. It is a hint, so errors do not matter.
func adviseHugePages(memory []byte) {
	if len(memory) < 2*tuning.HugePage {
		return
	}
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(memory)))) & (tuning.HugePage - 1)
	if whole := (len(memory) - skip) &^ (tuning.HugePage - 1); whole > 0 {
		_ = unix.Madvise(memory[skip:][:whole], unix.MADV_HUGEPAGE)
	}
}
