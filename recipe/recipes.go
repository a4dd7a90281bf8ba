package recipe

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
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

// FindTraining returns the recipe of the given name. The error lists the known names.
func FindTraining(name string) (Training, error) {
	data, err := recipes.ReadFile("recipes/" + name + ".yaml")
	if err != nil {
		return Training{}, fmt.Errorf("no recipe is known by the name %q; known are %s", name, strings.Join(TrainingNames(), ", "))
	}
	t, err := ParseTraining(data)
	if err != nil {
		return t, fmt.Errorf("recipe %s: %w", name, err)
	}
	return t, nil
}
