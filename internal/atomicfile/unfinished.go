package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
)

// mark follows the file's own name in that of one which is being written, and rand.Text
// follows it.
const mark = ".tmp-"

// RemoveUnfinished removes the files in a folder that a process which was killed left
// half-written: those whose names Write makes, and no others. No other may be writing
// there.
func RemoveUnfinished(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && isUnfinished(e.Name()) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// isUnfinished reports whether a name is one that Write makes. rand.Text is 26 characters
// of base32, and may come to be more.
func isUnfinished(name string) bool {
	const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	at := strings.LastIndex(name, mark)
	if at < 1 {
		return false
	}
	text := name[at+len(mark):]
	return len(text) >= 26 && strings.Trim(text, base32) == ""
}
