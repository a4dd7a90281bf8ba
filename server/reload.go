package server

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A reloaded value is made of files, again when they change, which is looked at no more than
// once in a while. Files that are wrong leave the value as it is, are logged, and read again.
type reloaded[T any] struct {
	files []string
	parse func(contents [][]byte) (T, error)
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	stamp  Stamp  // of the files that value is made of
	reason string // why it could not be made of what they are now
	looked time.Time
}

// lookEvery is how long changed files may go unnoticed.
const lookEvery = time.Second

func newReloaded[T any](log *slog.Logger, parse func([][]byte) (T, error), files ...string) (*reloaded[T], error) {
	r := &reloaded[T]{files: files, parse: parse, log: log}
	var err error
	if r.stamp, err = StampOf(files...); err == nil {
		r.value, err = r.read()
	}
	r.looked = time.Now()
	return r, err
}

func (r *reloaded[T]) read() (value T, err error) {
	contents := make([][]byte, len(r.files))
	for i, file := range r.files {
		if contents[i], err = readSmall(file); err != nil {
			return value, err
		}
	}
	return r.parse(contents)
}

// readSmall reads a file of certificates or keys.
func readSmall(file string) ([]byte, error) {
	const limit = 1 << 20
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: expected a file of at most %d bytes", file, limit)
	}
	return os.ReadFile(file)
}

func (r *reloaded[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < lookEvery {
		return r.value
	}
	r.looked = time.Now()
	stamp, err := StampOf(r.files...)
	if err == nil && stamp.Same(r.stamp) {
		return r.value
	}
	var value T
	if err == nil {
		value, err = r.read()
	}
	if err != nil { // which may pass without a change of the files
		if reason := err.Error(); reason != r.reason {
			r.log.Error("not reloaded; what was read before stays", "files", r.files, "error", err)
			r.reason = reason
		}
		return r.value
	}
	r.value, r.stamp, r.reason = value, stamp, ""
	r.log.Info("reloaded", "files", r.files)
	return r.value
}
