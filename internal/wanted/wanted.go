// Package wanted states what tests want. Only tests use it.
package wanted

import (
	"strings"
	"testing"
)

// Error fails the test unless there is an error whose text has all the parts.
func Error(t testing.TB, err error, parts ...string) {
	t.Helper()
	check(t, "", err, parts)
}

// ErrorOf does as Error, and says which of several cases of a test it is.
func ErrorOf(t testing.TB, name string, err error, parts ...string) {
	t.Helper()
	check(t, name+": ", err, parts)
}

func check(t testing.TB, prefix string, err error, parts []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%sno error, want one with %q", prefix, parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%serror %q should contain %q", prefix, err, part)
		}
	}
}
