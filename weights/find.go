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

// defaultNetwork is the one whose public weights are meant where nothing is named.
const defaultNetwork = "inception_v4"

// Find tells what is meant by the name of weights: the path of a file, or of a folder with
// FileInFolder; or the tag of a public checkpoint, of which it returns the card and no path,
// since the file may have to be fetched first. An empty name means the public checkpoint of
// the network, or of Inception-v4 where that is empty too.
func Find(name, network string) (path string, card *recipe.Checkpoint, err error) {
	if name == "" {
		if network == "" {
			network = defaultNetwork
		}
		known, ok := recipe.DefaultCheckpoint(network)
		if !ok {
			return "", nil, fmt.Errorf("%s has no public weights", network)
		}
		return "", &known, nil
	}
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
