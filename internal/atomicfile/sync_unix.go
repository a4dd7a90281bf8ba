//go:build unix

package atomicfile

import (
	"errors"
	"os"
	"syscall"
)

// syncFolder brings a rename in the folder to the disk.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some network file systems refuse to sync folders: EINVAL.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
