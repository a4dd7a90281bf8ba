package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// deepest is how many folders may lie within each other, in names of which none is
// looked for: a guard against file systems without an end.
const deepest = 200

// mostLinks is how many symbolic links may lead to one folder. Without a limit, folders
// with two links to the next would be listed once for each of 2^n ways.
const mostLinks = 64

func isFolder(c candidate) bool { return c.folder }

// openFolder reads the files of a folder.
func openFolder(ctx context.Context, c candidate, o Options) (*Set, error) {
	l, err := listFolder(ctx, c.path)
	return assemble(l, &folder{c.path, l.files}, o, err)
}

// listFolder lists a folder on disk. It follows symbolic links. Folders below it that
// cannot be read are told in the listing, and do not end it.
func listFolder(ctx context.Context, root string) (listing, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return listing{}, err
	}
	w := &walk{ctx: ctx, root: root, links: map[string]int{}}
	entries, err := os.ReadDir(root)
	if err != nil {
		return listing{}, err
	}
	err = w.entries("", []string{real}, entries)
	return w.listing, err
}

// A walk lists the files below a folder.
type walk struct {
	ctx     context.Context
	root    string
	listing listing
	links   map[string]int // how many lead to a folder, by its path without links
}

// path is where a name of the listing lies.
func (w *walk) path(name string) string { return filepath.Join(w.root, filepath.FromSlash(name)) }

// fail notes what cannot be read.
func (w *walk) fail(name string, err error) {
	w.listing.unreadable = append(w.listing.unreadable, Unreadable{name, err})
}

// folder lists a folder. Around are the paths without links of the folders around it,
// itself last.
func (w *walk) folder(name string, around []string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if len(around) > deepest {
		w.fail(name, fileError(fmt.Sprintf("expected folders at most %d deep", deepest)))
		return nil
	}
	entries, err := os.ReadDir(w.path(name))
	if err != nil {
		w.fail(name, err) // what could be read is there
	}
	return w.entries(name, around, entries)
}

func (w *walk) entries(folder string, around []string, entries []fs.DirEntry) error {
	for _, entry := range entries {
		if hidden(entry.Name()) {
			continue
		}
		name := path.Join(folder, entry.Name())
		if err := w.entry(name, entry.Type(), around); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(name string, mode fs.FileMode, around []string) error {
	real := filepath.Join(around[len(around)-1], path.Base(name))
	if mode&fs.ModeSymlink != 0 {
		target, err := os.Stat(w.path(name))
		if err != nil {
			// A link that leads nowhere is listed as a file, and found unreadable.
			w.file(name, err)
			return nil
		}
		mode = target.Mode().Type()
		if target.IsDir() {
			if real, err = filepath.EvalSymlinks(real); err != nil {
				w.fail(name, err)
				return nil
			}
			if w.links[real]++; w.links[real] > mostLinks && !slices.Contains(around, real) {
				w.fail(name, fileError(fmt.Sprintf("expected at most %d symbolic links to one folder, found another to %s", mostLinks, real)))
				return nil
			}
		}
	}
	switch {
	case mode.IsDir() && slices.Contains(around, real): // a link, or below one that leads out and back
		w.listing.circles = append(w.listing.circles, name)
	case mode.IsDir():
		w.listing.folders = append(w.listing.folders, name)
		return w.folder(name, append(slices.Clip(around), real))
	case !mode.IsRegular():
		w.file(name, irregular(mode))
		w.listing.files[len(w.listing.files)-1].irregular = irregular(mode)
	default:
		w.file(name, nil)
	}
	return nil
}

// file lists a file, which may have an error that keeps it from being looked into.
func (w *walk) file(name string, broken error) {
	k, err := kindOf(name, func() ([]byte, error) {
		if broken != nil {
			return nil, broken
		}
		return headOf(w.path(name))
	})
	if err != nil {
		w.fail(name, err)
	}
	w.listing.files = append(w.listing.files, file{name: name, kind: k})
}

// A folder reads files on disk.
type folder struct {
	root  string
	files []file
}

func (f *folder) path(at int) string {
	return filepath.Join(f.root, filepath.FromSlash(f.files[at].name))
}

func (f *folder) read(at int) ([]byte, error) { return readFile(f.path(at)) }

// readFile is os.ReadFile for what is a file.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: irregular(info.Mode())}
	}
	return os.ReadFile(path)
}

func (f *folder) Close() error { return nil }
