package weights

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// CheckOutput refuses folders, names whose endings tell no format that is written, and layouts that
// the format is not written in; it returns the layout, which is the format's own where none
// is given. A name without an ending is of the first format.
func CheckOutput(out string, to Layout) (Layout, error) {
	table := formats()
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		return to, fmt.Errorf("write %s: it is a folder; give the name of a file", out)
	}
	if ending := filepath.Ext(out); ending != "" && !table.knows(out) {
		return to, fmt.Errorf("write %s: the ending %s tells no format of weights; give it a name that ends in %s", out, ending, table.writableEndings())
	}
	format, err := table.writable(out)
	if err != nil {
		return to, err
	}
	return format.layout(out, to)
}

// CheckOver refuses to write over any file that the weights at in consist of. It opens them
// only where there is a file to write over.
func CheckOver(in string, out ...string) error {
	out = slices.DeleteFunc(slices.Clone(out), func(file string) bool {
		_, err := os.Stat(file)
		return err != nil
	})
	if len(out) == 0 {
		return nil
	}
	parts, err := Files(in)
	if err != nil {
		return err
	}
	for _, part := range parts {
		first, err := os.Stat(part)
		if err != nil {
			return err
		}
		for _, file := range out {
			if second, err := os.Stat(file); err == nil && os.SameFile(first, second) {
				return &OverwriteError{file}
			}
		}
	}
	return nil
}

// An OverwriteError is about a file to write that is one of the weights that are read.
type OverwriteError struct{ Path string }

func (e *OverwriteError) Error() string {
	return e.Path + " is a file of the weights that are read; give another name to write to"
}
