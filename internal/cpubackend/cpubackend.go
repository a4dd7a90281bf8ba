// Package cpubackend makes this project's backend for tests. Only tests use it.
package cpubackend

import (
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// New makes a backend that ends with the test.
func New(t testing.TB) compute.Backend {
	t.Helper()
	backend, err := engine.New("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Finalize)
	return backend
}
