package nearest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/ahead"
)

// A Computer computes features of photographs by their paths, in their order, and calls use for
// each. Those that have none have an error in their row.
type Computer func(ctx context.Context, paths []string, use func(features.Row) error) error

// Changes says what Update found, in photographs.
type Changes struct {
	// Kept have not changed since; Moved are those whose bytes were in the index under another
	// name or time; of Computed the features are new; Removed are not in the folder any more.
	Kept, Moved, Computed, Removed int
	// Failed are those that have no features, with their errors.
	Failed []features.Row
}

// Update returns the index of a folder's photographs, given by their paths: what old has of those
// that have not changed, by size and time or else by their bytes, and what compute computes of the
// others. old is nil where there is none, and otherwise of the same About (Check).
//
// When the context ends while features are computed, or compute fails, the index of what there is
// comes with the error, to go on from; it is nil where that is nothing.
func Update(ctx context.Context, old *Index, about features.About, folder string, paths []string, compute Computer) (*Index, Changes, error) {
	var c Changes
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, c, err
	}
	byName, byHash := map[string]int{}, map[string]int{}
	if old != nil {
		for i, p := range old.Photos {
			byName[p.Name] = i
			if p.SHA256 != "" {
				byHash[p.SHA256] = i
			}
		}
	}
	type entry struct {
		Photo
		values []float32
	}
	var entries []entry
	known := func(p Photo, row int) {
		p.Width, p.Height = old.Photos[row].Width, old.Photos[row].Height
		entries = append(entries, entry{p, old.Vectors.row(row)})
	}
	looks := func(path string, to *look, _ func(int64)) { *to = lookAt(folder, path, byName, old) }
	var pending []look
	err = ahead.Each(ctx, ahead.Options{}, slices.Values(paths), looks, func(path string, l *look) error {
		if l.err != nil {
			c.Failed = append(c.Failed, features.Row{File: path, Err: l.err})
			return nil
		}
		row, same := byName[l.photo.Name]
		if same && l.photo.SHA256 == "" {
			l.photo.SHA256 = old.Photos[row].SHA256
			known(l.photo, row)
			c.Kept++
			return nil
		}
		if row, ok := byHash[l.photo.SHA256]; ok {
			known(l.photo, row)
			c.Moved++
			return nil
		}
		pending = append(pending, *l)
		return nil
	})
	if err != nil {
		return nil, c, err
	}
	if len(pending) > 0 {
		to := make([]string, len(pending))
		for i, l := range pending {
			to[i] = l.path
		}
		at := 0
		err = compute(ctx, to, func(r features.Row) error {
			l := pending[at]
			at++
			if r.Err == nil {
				r.Err = l.unchanged()
			}
			if r.Err != nil {
				c.Failed = append(c.Failed, r)
				return nil
			}
			l.photo.Width, l.photo.Height = r.Width, r.Height
			entries = append(entries, entry{l.photo, slices.Clone(r.Values)})
			c.Computed++
			return nil
		})
	}
	if len(entries) == 0 {
		return nil, c, cmp.Or(err, features.ErrNone)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
	x := &Index{About: about, Folder: absolute}
	names := map[string]bool{}
	var values []float32
	for _, e := range entries {
		x.Photos = append(x.Photos, e.Photo)
		values = append(values, e.values...)
		names[e.Name] = true
	}
	for name := range byName {
		if !names[name] {
			c.Removed++
		}
	}
	var wrong error
	if x.Vectors, wrong = NewVectors(values, len(entries[0].values)); wrong != nil {
		return nil, c, errors.Join(err, wrong)
	}
	return x, c, err
}

// A look is what there is at a path: without a hash where the size and the time are those of the
// index.
type look struct {
	path  string
	photo Photo
	info  fs.FileInfo
	err   error
}

func lookAt(folder, path string, byName map[string]int, old *Index) look {
	l := look{path: path}
	name, err := filepath.Rel(folder, path)
	if err == nil {
		l.info, err = os.Stat(path)
	}
	if err != nil {
		l.err = err
		return l
	}
	l.photo = Photo{Name: filepath.ToSlash(name), Size: l.info.Size(), Modified: l.info.ModTime().UTC()}
	if row, ok := byName[l.photo.Name]; ok {
		if was := old.Photos[row]; was.SHA256 != "" && was.Size == l.photo.Size && was.Modified.Equal(l.photo.Modified) {
			return l
		}
	}
	l.photo.SHA256, l.err = hashOf(path)
	return l
}

// unchanged returns an error where the file is another than when it was looked at: its features
// may be of either.
func (l look) unchanged() error {
	info, err := os.Stat(l.path)
	if err == nil && (info.Size() != l.info.Size() || !info.ModTime().Equal(l.info.ModTime())) {
		err = fmt.Errorf("%s was written to while it was read; index the folder again", l.path)
	}
	return err
}

func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}
