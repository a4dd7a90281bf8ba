package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20 // bytes

// adviseHugePages asks for large pages, of which fewer are to be looked up and to be
// made: streaming packed weights through small ones costs up to a third of the
// bandwidth. It is a hint, so errors do not matter.
func adviseHugePages(memory []float32) {
	if len(memory)*4 < 2*hugePage {
		return
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)*4)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))) & (hugePage - 1)
	if whole := (len(bytes) - skip) &^ (hugePage - 1); whole > 0 {
		_ = unix.Madvise(bytes[skip:][:whole], unix.MADV_HUGEPAGE)
	}
}
