package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Lock makes the folder where there is none, and keeps other processes out of it until
// it is unlocked, or this process ends. Where no run has begun until then, unlocking
// removes what Lock made, if nothing else is in it.
func (d Dir) Lock() (unlock func() error, err error) {
	path := d.file(lockName)
	made := missing(path)
	if err := os.MkdirAll(string(d), 0o777); err != nil {
		return nil, err
	}
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the run %s: %w", d, err)
	}
	if _, err := os.Stat(path); !ok || err != nil { // the file is gone if its last owner has just removed it
		return nil, errors.Join(fmt.Errorf("another process trains in %s; wait for it, or choose another folder", d), lock.Unlock())
	}
	checkpoints := d.file(checkpointsName)
	switch err := os.Mkdir(checkpoints, 0o777); {
	case err == nil:
		made = append([]string{checkpoints}, made...)
	case !errors.Is(err, fs.ErrExist):
		return nil, errors.Join(err, lock.Unlock())
	}
	return func() error {
		if d.Begun() {
			return lock.Unlock()
		}
		left := removeEmpty(made) // while no other process can have made them its own
		err := lock.Unlock()
		removeEmpty(left) // Windows keeps a file that is open
		return err
	}, nil
}

// missing returns the path and the folders above it as far as they are not there, from
// below.
func missing(path string) []string {
	var all []string
	for {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return all
		}
		all = append(all, path)
		above := filepath.Dir(path)
		if above == path { // a drive that is not there
			return all
		}
		path = above
	}
}

// removeEmpty removes files and empty folders up to the first that cannot be removed, and
// returns that and those after it.
func removeEmpty(paths []string) (left []string) {
	for i, path := range paths {
		if os.Remove(path) != nil {
			return paths[i:]
		}
	}
	return nil
}
