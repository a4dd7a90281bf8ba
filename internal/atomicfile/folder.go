package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// WriteFolder puts the folder that write fills in the place of the one at path: it lies
// beside path until it is whole. Folders above path are made. What was at path may be empty,
// or a folder of files of these names, as an earlier call has written it; [CheckFolder] tells
// before. On an error, or a panic in write, the old folder is as it was and nothing else is
// left; files that write makes should be synced, as those of Write are.
func WriteFolder(path string, names []string, write func(folder string) error) error {
	path = filepath.Clean(path)
	if err := CheckFolder(path, names); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	temp, old := path+mark+rand.Text(), path+mark+rand.Text()
	if err := os.Mkdir(temp, 0o777); err != nil {
		return err
	}
	defer os.RemoveAll(temp) // which is not there any more when all went well
	if err := write(temp); err != nil {
		return err
	}
	if err := syncFolder(temp); err != nil {
		return err
	}
	// A folder that holds something is not replaced by renaming.
	err := os.Rename(path, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	replaced := err == nil
	if err := os.Rename(temp, path); err != nil {
		if replaced {
			err = errors.Join(err, os.Rename(old, path))
		}
		return err
	}
	if replaced {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	return syncRename(path)
}

// CheckFolder refuses a path that WriteFolder would not replace.
func CheckFolder(path string, names []string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("expected a folder, or none yet: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !slices.Contains(names, e.Name()) {
			return fmt.Errorf("the folder %s holds %q, expected a new or empty one, or one with nothing but %q: name another", path, e.Name(), names)
		}
	}
	return nil
}
