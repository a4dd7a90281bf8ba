package cli

import (
	"fmt"
	"image"
	"image/png"
	"io"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
)

// writeOutput puts what write writes in the place of the file at path. After a failure
// the file that was there before stays.
func writeOutput(path string, write func(io.Writer) error) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		if err := write(w); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}

func writePNG(path string, picture image.Image) error {
	return writeOutput(path, func(w io.Writer) error { return png.Encode(w, picture) })
}
