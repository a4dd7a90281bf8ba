package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// sources is the table of what a data set may be. A path is of the first source that
// recognises it, so the most particular come first.
func sources() []source {
	return []source{
		{"TFRecord shards", isRecords, openRecords},
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

// A candidate is a path that may be a data set.
type candidate struct {
	path   string
	folder bool
	head   []byte // the first bytes of a file
}

// headBytes is a tar block.
const headBytes = 512

// open opens what the path is.
func open(ctx context.Context, path string, o Options) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("expected %s; check the path: %w", Sources(), err)
	}
	c := candidate{path: path, folder: info.IsDir()}
	if !c.folder {
		if c.head, err = headOf(path); err != nil {
			return nil, err
		}
		if len(c.head) == 0 {
			return nil, errors.New("the file is empty; copy or download it again")
		}
	}
	for _, s := range sources() {
		if s.recognise(c) {
			return s.open(ctx, c, o)
		}
	}
	return nil, fmt.Errorf("expected %s, found a file of %d bytes that begins with % x; unpack it, or pack it as one of these",
		Sources(), info.Size(), c.head[:min(len(c.head), 8)])
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
	head := make([]byte, headBytes)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}
