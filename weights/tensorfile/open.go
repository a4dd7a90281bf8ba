package tensorfile

import (
	"fmt"
	"os"
)

// Open opens the regular file at path for the reader of a format, which is named in
// errors, and returns its size in bytes. A pipe is refused without waiting for what comes.
func Open(format, path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("found no regular file but %s", info.Mode())
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %s: expected a readable file: %w; check the path and its permissions", format, path, err)
	}
	return file, info.Size(), nil
}
