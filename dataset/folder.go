package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// deepest is how many folders may lie within each other: links that lead back into
// the set end there.
const deepest = 16

func isFolder(c candidate) bool { return c.folder }

// openFolder reads the files of a folder.
func openFolder(ctx context.Context, c candidate, o Options) (*Set, error) {
	l, err := listFolder(ctx, c.path)
	return assemble(l, &folder{c.path, l.files}, o, err)
}

// listFolder lists a folder on disk. It follows symbolic links.
func listFolder(ctx context.Context, root string) (listing, error) {
	var l listing
	var list func(folder string, depth int) error
	list = func(folder string, depth int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if depth > deepest {
			return fmt.Errorf("folder %s is more than %d deep; look for a symbolic link that leads back", folder, deepest)
		}
		entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(folder)))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if hidden(entry.Name()) {
				continue
			}
			name := path.Join(folder, entry.Name())
			isFolder := entry.IsDir()
			if entry.Type()&fs.ModeSymlink != 0 {
				// A link that leads nowhere is listed as a file, and found unreadable.
				target, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
				isFolder = err == nil && target.IsDir()
			}
			if !isFolder {
				l.files = append(l.files, name)
				continue
			}
			l.folders = append(l.folders, name)
			if err := list(name, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	err := list("", 0)
	return l, err
}

// A folder reads files on disk.
type folder struct {
	root  string
	files []string
}

func (f *folder) read(at int) ([]byte, error) {
	return os.ReadFile(filepath.Join(f.root, filepath.FromSlash(f.files[at])))
}

func (f *folder) Close() error { return nil }
