package tensorflow

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// RecogniseCheckpoint reports whether a file is a table, as the index of a checkpoint is,
// or a shard of one with its index beside it.
func RecogniseCheckpoint(s tensorfile.Sample) bool {
	return strings.HasSuffix(string(s.Tail), tableMagic) || indexOf(s.Path) != ""
}

var (
	dataShard  = regexp.MustCompile(`^(.+)\.data-[0-9]{5}-of-[0-9]{5}$`)
	tableShard = regexp.MustCompile(`^(.+)-[0-9]{5}-of-([0-9]{5})$`)
)

// indexOf is the index beside a shard with tensors, empty for another name.
func indexOf(path string) string {
	parts := dataShard.FindStringSubmatch(path)
	if parts == nil {
		return ""
	}
	return parts[1] + IndexEnding
}

// files are those that a checkpoint consists of, all open.
type files struct{ open []*os.File }

// parts are their paths.
func (f *files) parts() []string {
	var all []string
	for _, file := range f.open {
		all = append(all, file.Name())
	}
	return all
}

func (f *files) close() error {
	var all error
	for _, file := range f.open {
		if err := file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			all = errors.Join(all, fmt.Errorf("%s: %s: closing: %w", bundleFormat, file.Name(), err))
		}
	}
	return all
}

func (f *files) add(path string) (io.ReaderAt, int64, error) {
	file, size, err := tensorfile.Open(bundleFormat, path)
	if err != nil {
		return nil, 0, err
	}
	f.open = append(f.open, file)
	return file, size, nil
}

// OpenCheckpoint opens a checkpoint by its index or its name without that ending, by one of
// its shards, or, of version 1, by its table. The files must not be cut short or rewritten in place while it is open.
func OpenCheckpoint(path string) (tensorfile.File, error) {
	if index := indexOf(path); index != "" {
		path = index
	}
	var f files
	opened, err := openCheckpoint(path, &f)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return opened, nil
}

func openCheckpoint(path string, f *files) (tensorfile.File, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(path, IndexEnding) {
		if _, err := os.Stat(path + IndexEnding); err == nil {
			path += IndexEnding
		}
	}
	if strings.HasSuffix(path, IndexEnding) {
		b, err := openBundle(path, f.add)
		if err != nil {
			return nil, err
		}
		b.close, b.parts = f.close, f.parts()
		return b, nil
	}
	names := []string{path}
	if parts := tableShard.FindStringSubmatch(filepath.ToSlash(path)); parts != nil {
		var shards int
		if _, err := fmt.Sscanf(parts[2], "%d", &shards); err == nil {
			names = nil
			for i := range shards {
				names = append(names, fmt.Sprintf("%s-%05d-of-%s", filepath.FromSlash(parts[1]), i, parts[2]))
			}
		}
	}
	s, err := openSlices(names, f.add)
	if err != nil {
		return nil, err
	}
	s.close, s.parts = f.close, f.parts()
	return s, nil
}
