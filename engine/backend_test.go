package engine_test

import (
	"testing"

	"github.com/gomlx/compute/support/backendtest"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// TestCompliance runs the suite that GoMLX has for backends.
func TestCompliance(t *testing.T) {
	backend, err := engine.New("")
	if err != nil {
		t.Fatal(err)
	}
	backendtest.RunAll(t, backend, nil)
}
