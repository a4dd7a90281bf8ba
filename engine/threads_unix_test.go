//go:build unix

package engine_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// processorTime is what the process has used of all processors.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestIdleThreadsPark measures what threads without work use.
func TestIdleThreadsPark(t *testing.T) {
	backend := newBackend(t, "threads=3")
	program := compileNetwork(t, backend, "inception_v4", small, 1, smallSide)
	if _, err := execute(program, images(t, backend, 1, smallSide)); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	time.Sleep(20 * time.Millisecond)
	before := processorTime(t)
	time.Sleep(300 * time.Millisecond)
	if used := processorTime(t) - before; used > 50*time.Millisecond {
		t.Errorf("%v of processor time in 300ms without work", used)
	} else {
		t.Logf("%v in 300ms", used)
	}
}
