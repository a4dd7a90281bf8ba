// Package wanted states what tests want. Only tests use it.
package wanted

import (
	"strings"
	"testing"
)

// Error fails the test unless there is an error whose text has all the parts.
func Error(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q should contain %q", err, part)
		}
	}
}
