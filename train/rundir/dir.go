package rundir

import (
	"path/filepath"
	"slices"

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

// Before reports whether a file or folder of this name is what a process that was killed
// leaves in the folder of a run that did not come to its beginning.
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
