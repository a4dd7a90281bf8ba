package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// Begun reports whether the folder has a run, which can be resumed.
func (d Dir) Begun() bool {
	_, err := os.Stat(d.Recipe())
	return err == nil
}

// Vacant is an error where the folder has a run already.
func (d Dir) Vacant() error {
	if d.Begun() {
		return fmt.Errorf("%s has a run already; resume it, or choose another folder", d)
	}
	return nil
}

// Begin writes the recipe of a run that begins. A folder that has a run already is an
// error.
func (d Dir) Begin(r recipe.Training) error {
	if err := d.Vacant(); err != nil {
		return err
	}
	text, err := r.Encode()
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(d.Recipe(), text)
}

// ReadRecipe reads the recipe of a run that was begun, and checks it.
func (d Dir) ReadRecipe() (recipe.Training, error) {
	text, err := os.ReadFile(d.Recipe())
	if errors.Is(err, fs.ErrNotExist) {
		return recipe.Training{}, fmt.Errorf("%s has no run to resume: %w; begin one there", d, err)
	}
	if err != nil {
		return recipe.Training{}, err
	}
	r, err := recipe.ParseTraining(text)
	if err == nil {
		err = r.Check()
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", d.Recipe(), err)
	}
	return r, nil
}
