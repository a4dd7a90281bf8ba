package weights

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// FileInFolder is the file that a folder of weights stands for: that of a training run, or
// of a repository of the Hugging Face Hub.
const FileInFolder = "model.safetensors"

// Find tells what is meant by the name of weights: the path of a file, or of a folder with
// FileInFolder; or the tag of a public checkpoint, of which it returns the card and no path,
// since the file may have to be fetched first.
func Find(name string) (path string, card *recipe.Checkpoint, err error) {
	switch info, err := os.Stat(name); {
	case err == nil && !info.IsDir():
		return name, nil, nil
	case err == nil:
		path := filepath.Join(name, FileInFolder)
		if _, err := os.Stat(path); err != nil {
			return "", nil, fmt.Errorf("%s is a folder without %s, expected a file of weights, or a folder that has one of this name", name, FileInFolder)
		}
		return path, nil, nil
	}
	known, err := recipe.FindCheckpoint(name)
	if err != nil {
		return "", nil, fmt.Errorf("there is no file %s, and %w", name, err)
	}
	return "", &known, nil
}
