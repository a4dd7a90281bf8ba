package shard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Joined are the files of all shards.
type Joined struct {
	// Header is that of the first shard.
	Header Header
	files  []*file // in the order of the shards
}

// A file is one that has been looked through.
type file struct {
	path   string
	header Header
}

// Join looks the files of all shards through, in any order: they must be whole, of one
// kind and of the same settings, and no shard may be missing or there twice.
func Join(kind string, paths []string) (*Joined, error) {
	if len(paths) == 0 {
		return nil, errors.New("expected the files of all shards, found none")
	}
	var j Joined
	for _, path := range paths {
		f, err := examine(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if kind != "" && f.header.Kind != kind {
			return nil, fmt.Errorf("%s: it is a shard of %s, expected one of %s", path, f.header.Kind, kind)
		}
		j.files = append(j.files, f)
	}
	slices.SortStableFunc(j.files, func(a, b *file) int { return a.header.Index - b.header.Index })
	j.Header = j.files[0].header
	for _, f := range j.files[1:] {
		if err := foreign(j.files[0], f); err != nil {
			return nil, err
		}
	}
	return &j, j.complete()
}

// KindOf returns the kind of a shard's file.
func KindOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("expected the file of a shard: %w", err)
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadBytes('\n')
	h, err := headerOf(line, err)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return h.Kind, nil
}

// headerOf reads the first line of a file.
func headerOf(line []byte, err error) (h Header, _ error) {
	if err == nil {
		err = json.Unmarshal(line, &h)
	}
	if err != nil || h.Kind == "" {
		return h, fmt.Errorf("it is no file of a shard: expected what --shard has written, found %q at its beginning", shortened(line))
	}
	if err := h.Check(); err != nil {
		return h, fmt.Errorf("its first line: %w", err)
	}
	if h.Things < 0 {
		return h, fmt.Errorf("its first line tells of %d photographs, expected none negative", h.Things)
	}
	return h, nil
}

// foreign tells what keeps a shard from going with the first.
func foreign(first, f *file) error {
	a, b := &first.header, &f.header
	differ := func(what, found, expected string) error {
		return fmt.Errorf("%s, shard %v, has another %s than %s, shard %v: found %s, expected %s; make all shards alike, of the same files and by the same command, on machines of one kind",
			f.path, b.Shard, what, first.path, a.Shard, found, expected)
	}
	switch {
	case a.Kind != b.Kind:
		return differ("kind", b.Kind, a.Kind)
	case a.Of != b.Of:
		return differ("number of shards", fmt.Sprint(b.Of), fmt.Sprint(a.Of))
	}
	for i := range max(len(a.Settings), len(b.Settings)) {
		var x, y Setting
		if i < len(a.Settings) {
			x = a.Settings[i]
		}
		if i < len(b.Settings) {
			y = b.Settings[i]
		}
		if x.Name != y.Name {
			return differ("list of settings", fmt.Sprintf("%q", y.Name), fmt.Sprintf("%q", x.Name))
		}
		if x.Value != y.Value {
			return differ(x.Name, y.Value, x.Value)
		}
	}
	if a.Things != b.Things {
		return differ("number of photographs in all", fmt.Sprint(b.Things), fmt.Sprint(a.Things))
	}
	if !bytes.Equal(a.Common, b.Common) {
		return differ("description of the whole", string(shortened(b.Common)), string(shortened(a.Common)))
	}
	return nil
}

func shortened(text []byte) []byte {
	const most = 300
	return text[:min(len(text), most)]
}

// complete tells which shards are missing or there twice.
func (j *Joined) complete() error {
	const most = 20
	at := map[int]string{}
	for _, f := range j.files {
		if other, twice := at[f.header.Index]; twice {
			return fmt.Errorf("shard %v is there twice, in %s and in %s; name one of them", f.header.Shard, other, f.path)
		}
		at[f.header.Index] = f.path
	}
	var missing []string
	for i := range j.Header.Of {
		if _, ok := at[i]; ok {
			continue
		}
		if len(missing) == most {
			missing = append(missing, fmt.Sprintf("and %d more", j.Header.Of-len(j.files)-most))
			break
		}
		missing = append(missing, Shard{i, j.Header.Of}.String())
	}
	if len(missing) > 0 {
		return fmt.Errorf("of %d shards %d are missing: %s; run these, and name the files of all", j.Header.Of, j.Header.Of-len(j.files), strings.Join(missing, ", "))
	}
	return nil
}

// Each calls use for the record of each thing, in their order.
func (j *Joined) Each(use func(record json.RawMessage) error) error {
	for _, f := range j.files {
		if _, err := read(f.path, use); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return nil
}

// examine reads a file and checks that it is whole.
func examine(path string) (*file, error) {
	h, err := read(path, func(json.RawMessage) error { return nil })
	return &file{path, h}, err
}

// read calls use for the records of a file, which must be whole.
func read(path string, use func(json.RawMessage) error) (h Header, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, fmt.Errorf("expected the file of a shard: %w", err)
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	next := func() (line []byte, err error) {
		line, err = lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return line, err
	}
	if h, err = headerOf(next()); err != nil {
		return h, err
	}
	from, to := h.Range(h.Things)
	for n := 0; ; n++ {
		line, err := next()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("shard %v ends after %d of its %d records, so that it was interrupted or its file is not all there; run it again", h.Shard, n, to-from)
			}
			return h, err
		}
		var end ending
		if err := json.Unmarshal(line, &end); err != nil {
			return h, fmt.Errorf("shard %v, line %d: expected a record in JSON, found %q; run it again: %w", h.Shard, n+2, shortened(line), err)
		}
		if end.Records == nil {
			if err := use(line); err != nil {
				return h, fmt.Errorf("shard %v, line %d: %w", h.Shard, n+2, err)
			}
			continue
		}
		if *end.Records != n || n != to-from {
			return h, fmt.Errorf("shard %v has %d records, and should have %d by its last line and %d by its first; run it again", h.Shard, n, *end.Records, to-from)
		}
		if _, err := next(); !errors.Is(err, io.EOF) {
			return h, fmt.Errorf("shard %v goes on after its end in line %d, expected one shard in a file; run it again, with a file of its own", h.Shard, n+2)
		}
		return h, nil
	}
}
