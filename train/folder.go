package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// What lies in a run's folder beside the checkpoints.
const (
	recipeFile  = "recipe.yaml"
	metricsFile = "metrics.csv"
	modelFile   = "model.safetensors" // the averages after the last checkpoint
	bestFile    = "best.safetensors"  // those with the best accuracy so far
	lockFile    = "lock"
)

// lockFolder makes a run's folder where there is none, and keeps other processes out of
// it until it is unlocked, or this process ends.
func lockFolder(folder string) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Join(folder, checkpointFolder), 0o777); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(folder, lockFile))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the run %s: %w", folder, err)
	}
	if !ok {
		return nil, fmt.Errorf("another process trains in %s; wait for it, or choose another folder", folder)
	}
	return lock.Unlock, nil
}

// beginRecipe writes the recipe of a run that begins. A folder that has one already is
// an error.
func beginRecipe(folder string, r recipe.Training) error {
	path := filepath.Join(folder, recipeFile)
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s has a run already; resume it, or choose another folder", folder)
	}
	text, err := r.Encode()
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, text)
}

// readRecipe reads that of a run that resumes.
func readRecipe(folder string) (recipe.Training, error) {
	path := filepath.Join(folder, recipeFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return recipe.Training{}, fmt.Errorf("%s has no run to resume: %w; begin one there", folder, err)
	}
	if err != nil {
		return recipe.Training{}, err
	}
	r, err := recipe.ParseTraining(text)
	if err == nil {
		err = r.Check()
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// removeUnfinished removes what a process that was killed left half-written.
func removeUnfinished(folder string) error {
	for _, folder := range []string{folder, filepath.Join(folder, checkpointFolder)} {
		if err := atomicfile.RemoveUnfinished(folder); err != nil {
			return err
		}
	}
	return nil
}
