package dataset

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Named is the set of images of which only the paths are known, as those whose features are
// stored: splits and classes are found as in a folder (Open), and Read is an error. Name returns
// what CleanName makes of a path.
func Named(paths []string, o Options) (*Set, error) {
	var l listing
	for _, name := range paths {
		l.files = append(l.files, file{name: CleanName(name), kind: kind{image: true}})
	}
	return assemble(l, nameless{}, o, nil)
}

// CleanName is a path as it would lie below a folder around all: with slashes, and without what
// leads to a root or upwards.
func CleanName(name string) string {
	name = path.Clean(filepath.ToSlash(name))
	for {
		rest := strings.TrimPrefix(strings.TrimPrefix(name, "/"), "../")
		if rest == name {
			return name
		}
		name = rest
	}
}

// nameless is the storage of images that are names alone.
type nameless struct{}

func (nameless) read(int) ([]byte, error) {
	return nil, fmt.Errorf("only the image's name is known, expected its file; open the set that it is of")
}

func (nameless) Close() error { return nil }
