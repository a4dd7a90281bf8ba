package amx

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// Permission asks the system, once for the process and all its threads, for leave to use the
// tiles, whose 8 KiB of state it otherwise has no room for where it saves threads. It is for
// CPUs that have them. The error says why they cannot be used.
var Permission = sync.OnceValue(func() error {
	const (
		configuration, data = 1 << 17, 1 << 18 // of the tiles, in XCR0
		requestState        = 0x1023           // ARCH_REQ_XCOMP_PERM of arch_prctl
		dataState           = 18
	)
	if enabled()&(configuration|data) != configuration|data {
		return errors.New("the system does not save AMX's tiles")
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestState, dataState, 0); errno != 0 {
		return fmt.Errorf("the system does not let the process use AMX's tiles: %w", errno)
	}
	return nil
})
