package recipe

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed recipes/*.yaml
var recipes embed.FS

// TrainingNames returns the names of the recipes that come with the program.
func TrainingNames() []string {
	var names []string
	entries, _ := fs.ReadDir(recipes, "recipes") // embedded: it is there
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
	}
	return names
}

// ErrUnknown says that no recipe of the program has a name.
var ErrUnknown = errors.New("no recipe is known by the name")

// FindTraining returns the recipe of the given name. The error of an unknown one wraps
// ErrUnknown and lists the known names.
func FindTraining(name string) (Training, error) {
	data, err := recipes.ReadFile("recipes/" + name + ".yaml")
	if err != nil {
		return Training{}, fmt.Errorf("%w %q; known are %s", ErrUnknown, name, strings.Join(TrainingNames(), ", "))
	}
	t, err := ParseTraining(data)
	if err != nil {
		return t, fmt.Errorf("recipe %s: %w", name, err)
	}
	return t, nil
}

// OpenTraining returns the recipe in a file, or where there is none of this name, that of
// the program of the name; short is the name without folders and ending.
func OpenTraining(name string) (t Training, short string, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if t, err = FindTraining(name); err != nil {
			err = fmt.Errorf("there is no file %s, and %w", name, err)
		}
		return t, name, err
	}
	if err != nil {
		return t, "", err
	}
	if t, err = ParseTraining(text); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return t, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), err
}
