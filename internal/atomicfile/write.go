package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write puts what write writes in the place of the file at path: it lies beside path
// until it is whole and on the disk, and is then renamed. Its permissions are those that
// the umask gives.
//
// On an error, or a panic in write, the old file is as it was and nothing else is left.
// The one exception is an error that says so: the new file stands, but a power failure
// may still undo it. Errors of write are returned as they are.
func Write(path string, write func(io.Writer) error) error {
	return WriteSeek(path, func(w io.WriteSeeker) error { return write(w) })
}

// WriteSeek is Write for files of which a part that comes first is known last.
func WriteSeek(path string, write func(io.WriteSeeker) error) error {
	// Not os.CreateTemp: its files are private to the owner.
	temp := path + mark + rand.Text()
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("%w; check that the folder exists and can be written", err)
	}
	whole := false
	defer func() { // deferred, so that a panic in write leaves nothing behind either
		if !whole {
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
	whole = true
	return syncRename(path)
}

// WriteBytes puts data in the place of the file at path as [Write] does.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Rename puts a file that is whole and on the disk, or a link, in the place of the one at
// path, which lies on the same file system.
func Rename(from, path string) error {
	if err := os.Rename(from, path); err != nil {
		return err
	}
	return syncRename(path)
}

func syncRename(path string) error {
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the new file stands, but a power failure may undo it: syncing its folder: %w", err)
	}
	return nil
}
