package server

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReloadedAgain has a file change while it cannot be read, and be read later without a
// change.
func TestReloadedAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	var failure error
	var logged strings.Builder
	r, err := newReloaded(slog.New(slog.NewTextHandler(&logged, nil)), func(contents [][]byte) (string, error) {
		return string(contents[0]), failure
	}, file)
	if err != nil {
		t.Fatal(err)
	}
	get := func() string {
		r.looked = time.Time{}
		return r.get()
	}
	write("two, longer")
	failure = errors.New("too many open files")
	for range 3 {
		if got := get(); got != "one" {
			t.Errorf("what cannot be read is %q, want what was read before", got)
		}
	}
	if n := strings.Count(logged.String(), "too many open files"); n != 1 {
		t.Errorf("the reason is logged %d times, want once", n)
	}
	failure = nil
	if got := get(); got != "two, longer" {
		t.Errorf("what can be read again is %q", got)
	}
}
