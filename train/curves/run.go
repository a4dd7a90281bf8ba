package curves

import (
	"os"
	"path/filepath"

	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

// A Run is what was measured while a network was trained.
type Run struct {
	// Name tells it from other runs in a picture.
	Name string
	// Points are in the order of their epochs.
	Points []rundir.Point
}

// Read reads the metrics.csv of a run's folder, or of the path of such a file, as
// rundir.ReadMetrics does. The run has the folder's name.
func Read(path string) (Run, error) {
	folder, file := path, rundir.Dir(path).Metrics()
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		folder, file = filepath.Dir(path), path
	}
	points, err := rundir.ReadMetrics(file)
	if err != nil {
		return Run{}, err
	}
	name := folder
	if absolute, err := filepath.Abs(folder); err == nil {
		name = filepath.Base(absolute)
	}
	return Run{Name: name, Points: points}, nil
}
