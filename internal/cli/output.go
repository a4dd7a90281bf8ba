package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
)

// writeOutput puts what write writes in the place of the file at path. After a failure
// the file that was there before stays.
func writeOutput(path string, write func(io.Writer) error) error {
	temp := path + ".tmp-" + rand.Text()
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("%w; check that the folder exists and can be written", err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		os.Remove(temp)
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

func writePNG(path string, picture image.Image) error {
	return writeOutput(path, func(w io.Writer) error { return png.Encode(w, picture) })
}
