package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	checkpointPrefix = "step-"
	checkpointSuffix = ".safetensors"
)

// Checkpoint is the path of the checkpoint after a number of steps.
func (d Dir) Checkpoint(step int) string {
	return filepath.Join(d.file(checkpointsName), fmt.Sprintf("%s%09d%s", checkpointPrefix, step, checkpointSuffix))
}

// Checkpoints lists the paths of the run's checkpoints, the oldest first.
func (d Dir) Checkpoints() ([]string, error) {
	folder := d.file(checkpointsName)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries { // sorted by name, and so by step
		if strings.HasPrefix(e.Name(), checkpointPrefix) && strings.HasSuffix(e.Name(), checkpointSuffix) {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, nil
}

// LastCheckpoint is the path of the last checkpoint; empty where there is none.
func (d Dir) LastCheckpoint() (string, error) {
	all, err := d.Checkpoints()
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[len(all)-1], nil
}

// KeepLast removes all but the last checkpoints.
func (d Dir) KeepLast(keep int) error {
	all, err := d.Checkpoints()
	if err != nil {
		return err
	}
	for _, path := range all[:max(0, len(all)-keep)] {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
