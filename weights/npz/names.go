package npz

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ending is that of an entry's name; numpy.load takes it off.
const ending = ".npy"

// nameLimit is what a zip archive has room for.
const nameLimit = 1<<16 - 1 - len(ending)

// badName says what is wrong with the name of an array, which may be a path as TF-slim's
// names are, but only one down; empty where nothing is.
func badName(name string) string {
	switch {
	case name == "":
		return "an empty one"
	case len(name) > nameLimit:
		return "one that is too long for a zip archive"
	case !utf8.ValidString(name):
		return "bytes that are not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "control characters"
	case strings.ContainsRune(name, '\\'):
		return "a backslash"
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return "a path that does not lead straight down"
		}
	}
	return ""
}
