package curves

import (
	"io"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
)

// Write draws runs as Draw does into a PNG file, which appears whole or not at all.
func Write(path string, runs ...Run) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Draw(w, runs...) })
}
