package curves

import (
	"io"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

// Write draws runs as Draw does into a PNG file, which appears whole or not at all.
func Write(path string, runs ...Run) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Draw(w, runs...) })
}

// WriteOwn draws the curves of a run into its own folder.
func WriteOwn(folder string) error {
	run, err := Read(folder)
	if err != nil {
		return err
	}
	return Write(rundir.Dir(folder).Curves(), run)
}
