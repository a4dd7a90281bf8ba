//go:build mpi

package mpi_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/train/replica/mpi"
)

// TestMPILibrary expects of a library that is not there, and of one that is not MPI's, what was
// looked for and what to install.
func TestMPILibrary(t *testing.T) {
	other := "libm.so.6"
	if runtime.GOOS != "linux" {
		other = "/nowhere/libm.so"
	}
	for _, path := range []string{"/nowhere/libmpi.so", other} {
		_, err := mpi.Open(path)
		if err == nil {
			t.Fatalf("%s is opened", path)
		}
		for _, want := range []string{path, "apt-get install mpich", "library=PATH"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v, expected one with %q", path, err, want)
			}
		}
	}
}
