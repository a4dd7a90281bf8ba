package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sources is the table of what a data set may be. A path is of the first source that
// recognises it, so the most particular come first.
func sources() []source {
	return []source{
		{"a CSV file of paths and labels", isList, openList},
		{"TFRecord shards", isRecords, openRecords},
		{"WebDataset shards", isSamples, openSamples},
		{"a .zip archive of one", isZip, openZip},
		{"a " + anyOf(archiveEndings()) + " archive of one", isArchive, openArchive},
		{"a folder of class folders", isFolder, openFolder},
	}
}

// A source is one kind of data set.
type source struct {
	// what names it in the text of Sources.
	what string
	// recognise tells a path of the kind by what it is and how it begins.
	recognise func(c candidate) bool
	// open lists the images.
	open func(ctx context.Context, c candidate, o Options) (*Set, error)
}

// A candidate is a path that may be a data set, or a pattern of several.
type candidate struct {
	path   string
	folder bool
	head   []byte   // the first bytes of a file, or of the first one
	paths  []string // of a pattern that names several files; nil otherwise
}

// files are those of a pattern, or the file itself.
func (c candidate) files() []string {
	if c.paths != nil {
		return c.paths
	}
	return []string{c.path}
}

// headBytes is a tar block.
const headBytes = 512

// open opens what the path is.
func open(ctx context.Context, path string, o Options) (*Set, error) {
	c, size, err := look(path)
	if err != nil {
		return nil, err
	}
	if !c.folder {
		path = c.files()[0]
		if c.head, err = headOf(path); err != nil {
			return nil, err
		}
		if len(c.head) == 0 {
			return nil, errors.New("the file is empty; copy or download it again")
		}
	}
	if folder, ok := shardFolder(c, o.Split); ok {
		o.Split = ""
		set, err := open(ctx, filepath.Join(c.path, folder), o)
		if err == nil {
			set.split = folder
		}
		return set, err
	}
	for _, s := range sources() {
		if s.recognise(c) {
			return s.open(ctx, c, o)
		}
	}
	return nil, fmt.Errorf("expected %s, found a file of %d bytes that begins with % x; unpack it, or pack it as one of these",
		Sources(), size, c.head[:min(len(c.head), 8)])
}

// shardFolder returns the folder of a split that holds shards, which say their classes
// themselves: train/00000.tar beside validation/00000.tar.
func shardFolder(c candidate, split string) (string, bool) {
	if !c.folder || split == "" {
		return "", false
	}
	entries, _ := os.ReadDir(c.path) // a folder that cannot be read says so when it is opened
	var folders []string
	for _, entry := range entries {
		if info, err := os.Stat(filepath.Join(c.path, entry.Name())); err == nil && info.IsDir() {
			folders = append(folders, entry.Name())
		}
	}
	folder, err := resolve(split, folders, partOf)
	if err != nil {
		return "", false
	}
	within := candidate{path: filepath.Join(c.path, folder), folder: true}
	return folder, isRecords(within) || isSamples(within)
}

// look finds what is at a path, or what a pattern names.
func look(path string) (c candidate, size int64, err error) {
	c = candidate{path: path}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && isPattern(path) {
		if c.paths, err = expand(path); err != nil {
			return c, 0, err
		}
		if len(c.paths) == 1 {
			c = candidate{path: c.paths[0]}
		}
		info, err = os.Stat(c.files()[0])
		if err == nil && info.IsDir() && c.paths != nil {
			return c, 0, fmt.Errorf("the pattern names %d paths, the first of which is the folder %s, expected one folder, or files; name one", len(c.paths), c.paths[0])
		}
	}
	if err != nil {
		return c, 0, fmt.Errorf("expected %s; check the path: %w", Sources(), err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return c, 0, fmt.Errorf("expected %s; %w", Sources(), irregular(info.Mode()))
	}
	c.folder = info.IsDir()
	return c, info.Size(), nil
}

// Sources lists what a data set may be, the most general first: "a folder of class
// folders", and so on, "or TFRecord shards". It is for help texts and errors.
func Sources() string {
	var what []string
	for _, s := range slices.Backward(sources()) {
		what = append(what, s.what)
	}
	last := len(what) - 1
	return strings.Join(what[:last], ", ") + ", or " + what[last]
}

func headOf(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return beginning(file)
}

// beginning reads the first bytes of a file.
func beginning(r io.Reader) ([]byte, error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}
