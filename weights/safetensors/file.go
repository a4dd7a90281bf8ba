package safetensors

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
)

// File is an open safetensors file. Its methods and those of its tensors may
// be called from several goroutines at once.
type File struct {
	name     string
	size     int64
	metadata map[string]string
	tensors  []Tensor // by offset
	byName   map[string]int

	mu      sync.RWMutex // held for reading while data is in use
	section []byte       // the data section, nil once closed
	reader  *os.File     // the file itself, nil where it is all in section
	release func() error // gives the file's bytes back, nil when there is nothing to give back
}

// Open maps the file at path into memory where the system can, reads it
// otherwise, and checks it whole: header, shapes and byte ranges. The caller
// closes it. The file must not be cut short or rewritten in place meanwhile;
// Write replaces files instead.
func Open(path string) (*File, error) {
	data, reader, release, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: expected a readable file: %w; check the path and its permissions", path, err)
	}
	var f *File
	err = guardFaults(path, "", func() (err error) {
		f, err = Parse(path, data)
		return err
	})
	if err != nil {
		release()
		return nil, err
	}
	f.reader, f.release = reader, release
	return f, nil
}

// Parse checks data, the bytes of a whole file, as Open does. It keeps data,
// which must not change afterwards; name stands for the file in errors.
func Parse(name string, data []byte) (*File, error) {
	header, section, err := splitHeader(name, data)
	if err != nil {
		return nil, err
	}
	entries, metadata, err := parseHeader(name, header)
	if err != nil {
		return nil, err
	}
	if err := checkLayout(name, entries, int64(len(section))); err != nil {
		return nil, err
	}
	f := &File{name: name, size: int64(len(data)), metadata: metadata, section: section,
		tensors: make([]Tensor, len(entries)), byName: make(map[string]int, len(entries))}
	for i, e := range entries {
		f.tensors[i] = Tensor{Name: e.name, DType: e.dtype, Shape: e.shape, file: f, begin: int(e.begin), end: int(e.end)}
		f.byName[e.name] = i
	}
	return f, nil
}

// Tensors returns the tensors in the order of their offsets in the file.
func (f *File) Tensors() []Tensor { return slices.Clone(f.tensors) }

// Tensor returns the tensor of that name, and false where there is none.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Tensor{}, false
	}
	return f.tensors[i], true
}

// Metadata returns a copy of the file's __metadata__, nil where it has none.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Size returns the bytes of the whole file, header included.
func (f *File) Size() int64 { return f.size }

// Close waits for the reads under way and gives the file's memory back. What
// Bytes returned must not be touched afterwards; Float32s returns an error.
// Closing again does nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	release := f.release
	f.section, f.reader, f.release = nil, nil, nil
	if release == nil {
		return nil
	}
	if err := release(); err != nil {
		return fmt.Errorf("safetensors: %s: closing: %w", f.name, err)
	}
	return nil
}
