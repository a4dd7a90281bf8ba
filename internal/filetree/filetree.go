// Package filetree writes files into the temporary folders of tests. Only tests use it.
package filetree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Write writes files of the given slash-separated names into a folder of its own, and
// returns it. A name that ends in a slash is an empty folder.
func Write(t testing.TB, files map[string][]byte) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, data := range files {
		to := filepath.Join(root, filepath.FromSlash(name))
		folder := filepath.Dir(to)
		if strings.HasSuffix(name, "/") {
			folder = to
		}
		err := os.MkdirAll(folder, 0o777)
		if err == nil && folder != to {
			err = os.WriteFile(to, data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// File writes one file into a folder of its own, and returns its path.
func File(t testing.TB, name string, data []byte) string {
	t.Helper()
	return filepath.Join(Write(t, map[string][]byte{name: data}), filepath.FromSlash(name))
}
