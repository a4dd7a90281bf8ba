package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
)

// mark follows the file's own name in that of one which is being written; random text
// follows it.
const mark = ".tmp-"

// RemoveUnfinished removes the files in a folder that a process which was killed left
// half-written. No other may be writing there.
func RemoveUnfinished(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), mark) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
