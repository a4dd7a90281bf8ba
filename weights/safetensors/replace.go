package safetensors

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// replaceFile puts what write writes in the place of the file at path. On a
// failure before the rename it removes what it wrote and the old file stays.
func replaceFile(path string, write func(io.Writer) error) error {
	// Not os.CreateTemp: its files are private to the owner, while a model is to
	// have the permissions that the umask gives.
	temp := path + ".tmp-" + rand.Text()
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("%w; check that the folder exists and can be written", err)
	}
	renamed := false
	defer func() { // deferred, so that a panic in write leaves nothing behind either
		if !renamed {
			f.Close() // already closed where only the rename failed
			os.Remove(temp)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	// The data must be on the disk before the name points to it.
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	renamed = true
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the new file stands, but a power failure may undo it: syncing its folder: %w", err)
	}
	return nil
}
