//go:build xla

package xlabackend

import (
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
)

// New makes a backend with some options that ends with the test. Without a plug-in the test is
// skipped.
func New(t testing.TB, options ...string) compute.Backend {
	t.Helper()
	const variable = "INCEPTION_PJRT"
	plugin := os.Getenv(variable)
	if plugin == "" {
		t.Skip(variable + " is not set: it is the path of the PJRT plug-in to test with, which scripts/pjrt fetches")
	}
	backend, err := xla.New(strings.Join(append([]string{plugin}, options...), ","))
	if err != nil {
		t.Fatalf("%s is %s: %v", variable, plugin, err)
	}
	t.Cleanup(backend.Finalize)
	return backend
}
