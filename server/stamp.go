package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Stamp tells the state of files: their places behind links, sizes and times.
func Stamp(files ...string) (string, error) {
	var all strings.Builder
	for _, file := range files {
		place, err := filepath.EvalSymlinks(file)
		if err != nil {
			return "", err
		}
		info, err := os.Stat(place)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "%s %d %d %d\n", place, info.Size(), info.ModTime().UnixNano(), inode(info))
	}
	return all.String(), nil
}
