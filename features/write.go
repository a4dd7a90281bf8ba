package features

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Header is what a file is begun with.
type Header struct {
	About
	// Files are the names of all photographs of which there may be rows.
	Files []string
}

// A Row is one photograph's features.
type Row struct {
	File string
	// Width and Height are the photograph's, in pixels.
	Width, Height int
	// Picture shows the photograph in a projector; nil where there is none.
	Picture *vision.Image
	// Values has the shape of About, the last axis fastest.
	Values []float32
	// Err is why there are none.
	Err error
}

// An encoder writes rows. Its methods are called from one goroutine.
type encoder interface {
	row(Row) error
	end() error // of the rows
}

// A format is a kind of file.
type format struct {
	name, ending string
	begin        func(w io.WriteSeeker, h Header) (encoder, error)
	// beside is the ending of a file that goes with one, and what write writes there; empty
	// where there is none.
	beside      string
	writeBeside func(path string, h Header, rows []string) error
}

func formats() []format {
	return []format{
		{name: "numpy's array", ending: ".npy", begin: beginNPY, beside: namesEnding, writeBeside: writeNames},
		{name: "safetensors", ending: ".safetensors", begin: beginSafetensors},
		{name: "comma-separated values", ending: ".csv", begin: beginCSV},
		{name: "JSON lines", ending: ".jsonl", begin: beginJSONLines},
	}
}

// Formats lists the kinds of files with their endings, for help texts.
func Formats() string {
	var names []string
	for _, f := range formats() {
		names = append(names, fmt.Sprintf("%s (%s)", f.name, f.ending))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Check returns an error unless the ending of a path is that of a format.
func Check(path string) error {
	_, err := formatOf(path)
	return err
}

func formatOf(path string) (format, error) {
	all := formats()
	at := slices.IndexFunc(all, func(f format) bool { return strings.EqualFold(filepath.Ext(path), f.ending) })
	if at < 0 {
		return format{}, fmt.Errorf("%q has the ending %q, expected that of %s", path, filepath.Ext(path), Formats())
	}
	return all[at], nil
}

// ErrNone is returned where no photograph has features.
var ErrNone = errors.New("no photograph has features, so that nothing is written")

// Write writes the rows that rows adds to a file, whose format is that of its ending. The file
// appears whole or not at all, and memory holds one row at a time.
//
// A .npy file is an array of float32, [rows, shape]; beside it lies one whose name ends in
// ".json" in addition, which has About and "files", the rows' photographs. In safetensors the
// array is the tensor "features", and the metadata have About under "inception.features" and
// the photographs, a JSON list, under "inception.files". CSV has a line of titles, then
// the photograph and its values in a line; JSON lines an object for each photograph.
func Write(path string, h Header, rows func(add func(Row) error) error) error {
	f, err := formatOf(path)
	if err != nil {
		return err
	}
	var written []string
	err = atomicfile.WriteSeek(path, func(w io.WriteSeeker) error {
		e, err := f.begin(w, h)
		if err != nil {
			return err
		}
		if err := rows(adder(e, h, func(r Row) error { written = append(written, r.File); return nil })); err != nil {
			return err
		}
		if len(written) == 0 {
			return ErrNone
		}
		if err := e.end(); err != nil {
			return err
		}
		if f.beside != "" {
			// An array beside names of another would have wrong ones.
			return removeIfThere(path + f.beside)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if f.beside == "" {
		return nil
	}
	return f.writeBeside(path+f.beside, h, written)
}

// WriteJSONLines is Write in JSON lines to a stream.
func WriteJSONLines(w io.Writer, h Header, rows func(add func(Row) error) error) error {
	written := 0
	if err := rows(adder(newJSONLines(w, h), h, func(Row) error { written++; return nil })); err != nil {
		return err
	}
	if written == 0 {
		return ErrNone
	}
	return nil
}

// adder gives rows to an encoder, and those that have features to count before.
func adder(e encoder, h Header, count func(Row) error) func(Row) error {
	want := h.values()
	return func(r Row) error {
		if r.Err == nil {
			if len(r.Values) != want {
				return fmt.Errorf("%s has %d features, expected %d of the shape %v", r.File, len(r.Values), want, h.Shape)
			}
			if err := count(r); err != nil {
				return err
			}
		}
		return e.row(r)
	}
}

// A patched writer writes a part that is known last over the beginning.
type patched struct {
	file io.WriteSeeker
	*bufio.Writer
}

const bufferBytes = 1 << 20

func newPatched(w io.WriteSeeker) patched { return patched{w, bufio.NewWriterSize(w, bufferBytes)} }

// patch ends the file.
func (p patched) patch(beginning []byte) error {
	if err := p.Flush(); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := p.file.Write(beginning)
	return err
}
