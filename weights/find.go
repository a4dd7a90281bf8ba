package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// FileInFolder is the file that a folder of weights stands for, where it has one: that of a
// training run, or of a repository of the Hugging Face Hub.
const FileInFolder = "model.safetensors"

// inFolder are the names that weights have in folders, those that come first before others.
func inFolder() []string {
	return []string{
		FileInFolder, FileInFolder + ".index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "saved_model.pb", "model.json", "model.keras", "model.onnx",
	}
}

// Find tells what is meant by the name of weights: the path of a file; or of a folder with
// one of the files that are usual, or with one file of weights alone; or what TensorFlow
// calls a checkpoint, without the endings of its files; or the tag of a public checkpoint,
// of which it returns the card and no path, since the file may have to be fetched first.
func Find(name string) (path string, card *recipe.Checkpoint, err error) {
	switch info, err := os.Stat(name); {
	case err == nil && !info.IsDir():
		return name, nil, nil
	case err == nil:
		path, err := findIn(name)
		return path, nil, err
	}
	if _, err := os.Stat(name + ".index"); err == nil {
		return name + ".index", nil, nil
	}
	known, err := recipe.FindCheckpoint(name)
	if err != nil {
		return "", nil, fmt.Errorf("there is no file %s, and %w", name, err)
	}
	return "", &known, nil
}

// findIn finds the weights in a folder.
func findIn(folder string) (string, error) {
	for _, name := range inFolder() {
		if path := filepath.Join(folder, name); isFile(path) {
			return path, nil
		}
	}
	if path, err := latest(folder); path != "" || err != nil {
		return path, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		lower := strings.ToLower(e.Name())
		if e.Type().IsRegular() && slices.ContainsFunc(formats(), func(f Format) bool {
			return slices.ContainsFunc(f.Endings, func(ending string) bool { return strings.HasSuffix(lower, ending) })
		}) {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s is a folder without %s, and without another file of weights; expected a file of weights, or a folder that has one", folder, FileInFolder)
	case 1:
		return filepath.Join(folder, found[0]), nil
	}
	return "", fmt.Errorf("%s is a folder without %s, but with %d files that may be weights (%s); give one of them", folder, FileInFolder, len(found), firstFive(found))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// latest is the checkpoint that TensorFlow's file of that name says is the last of a
// training's; empty where there is no such file.
func latest(folder string) (string, error) {
	const limit = 1 << 20
	path := filepath.Join(folder, "checkpoint")
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() > limit) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "model_checkpoint_path:")
		if !ok {
			continue
		}
		name := strings.Trim(strings.TrimSpace(rest), `"`)
		name = filepath.Join(folder, filepath.Base(filepath.FromSlash(name))) // folders are moved
		for _, ending := range []string{".index", ""} {
			if isFile(name + ending) {
				return name + ending, nil
			}
		}
		return "", fmt.Errorf("%s names the checkpoint %s, whose files are not there", path, name)
	}
	return "", nil
}
