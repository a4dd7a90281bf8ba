//go:build !xla

package cli

import (
	"strings"
	"testing"
)

func TestBackendThatIsNotBuiltIn(t *testing.T) {
	f := backendFlags{name: "xla:/plugin.so"}
	if err := f.check(); err == nil || !strings.Contains(err.Error(), "-tags xla") {
		t.Errorf("error is %v, want one that says how to build with xla", err)
	}
}
