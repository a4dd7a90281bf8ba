package curves

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
)

// Write draws runs as Draw does into a PNG file, which appears whole or not at all.
func Write(path string, runs ...Run) error {
	var picture bytes.Buffer
	if err := Draw(&picture, runs...); err != nil {
		return err
	}
	beside := path + ".tmp-" + rand.Text()
	err := os.WriteFile(beside, picture.Bytes(), 0o666)
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		err = fmt.Errorf("%w; check that the folder exists and can be written", err)
		if removed := os.Remove(beside); !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}
	return err
}
