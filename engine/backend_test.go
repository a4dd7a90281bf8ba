package engine_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/support/backendtest"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// newBackend returns a backend that ends with the test.
func newBackend(t *testing.T, config string) compute.Backend {
	t.Helper()
	b, err := engine.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// TestCompliance runs the suite that GoMLX has for backends.
func TestCompliance(t *testing.T) {
	backendtest.RunAll(t, newBackend(t, ""), nil)
}

func TestOptions(t *testing.T) {
	for config, want := range map[string]string{
		"threads=0": "threads", "threads=x": "threads", "isa=mmx": "mmx", "winograd=maybe": "winograd", "release=1": "release", "speed=high": "speed=high",
	} {
		if _, err := engine.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", config, err, want)
		}
	}
	backend := newBackend(t, "threads=3,isa=generic,winograd=off")
	if d := backend.Description(); !strings.Contains(d, "generic") || !strings.Contains(d, "slow") || !strings.Contains(d, "3 threads") {
		t.Errorf("description is %q", d)
	}
}
