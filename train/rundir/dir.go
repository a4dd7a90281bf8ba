package rundir

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
)

// A Dir is the path of a run's folder.
type Dir string

const (
	recipeName      = "recipe.yaml"
	checkpointsName = "checkpoints"
	lockName        = "lock"
)

func (d Dir) file(name string) string { return filepath.Join(string(d), name) }

// Recipe is the path of the recipe.
func (d Dir) Recipe() string { return d.file(recipeName) }

// Model is the path of the averaged weights of the last checkpoint.
func (d Dir) Model() string { return d.file("model.safetensors") }

// Best is the path of the averaged weights that had the best accuracy so far.
func (d Dir) Best() string { return d.file("best.safetensors") }

// Raw is the path of the weights of the last checkpoint as the steps left them.
func (d Dir) Raw() string { return d.file("raw.safetensors") }

// Metrics is the path of what was measured.
func (d Dir) Metrics() string { return d.file("metrics.csv") }

// Curves is the path of the picture of the metrics.
func (d Dir) Curves() string { return d.file("curves.png") }

// Lock makes the folder where there is none, and keeps other processes out of it until
// it is unlocked, or this process ends.
func (d Dir) Lock() (unlock func() error, err error) {
	if err := os.MkdirAll(d.file(checkpointsName), 0o777); err != nil {
		return nil, err
	}
	lock := flock.New(d.file(lockName))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the run %s: %w", d, err)
	}
	if !ok {
		return nil, fmt.Errorf("another process trains in %s; wait for it, or choose another folder", d)
	}
	return lock.Unlock, nil
}

// Before reports whether a file or folder of this name is what Lock leaves in the folder
// of a run that did not come to its beginning.
func Before(name string) bool { return slices.Contains([]string{checkpointsName, lockName}, name) }

// RemoveUnfinished removes what a process that was killed left half-written.
func (d Dir) RemoveUnfinished() error {
	for _, folder := range []string{string(d), d.file(checkpointsName)} {
		if err := atomicfile.RemoveUnfinished(folder); err != nil {
			return err
		}
	}
	return nil
}
