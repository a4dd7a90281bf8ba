package tensorfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// shardsFormat is what an index is called in errors.
const shardsFormat = "shards"

const indexAgain = "download or copy the files again, or save the weights again in one file"

// indexLimit bounds the bytes of an index of shards.
const indexLimit = 64 << 20

// RecogniseIndex reports whether a file is the index of weights in several files.
func RecogniseIndex(s Sample) bool {
	head := bytes.TrimLeft(s.Head, " \t\r\n\ufeff")
	key := []byte(`"weight_map"`)
	return len(head) > 0 && head[0] == '{' && (bytes.Contains(head, key) || bytes.Contains(s.Tail, key))
}

// shards are the files of an index, seen as one.
type shards struct {
	size     int64
	metadata map[string]string
	tensors  []Tensor
	files    []File
	parts    []string
}

func (s *shards) Tensors() []Tensor           { return slices.Clone(s.tensors) }
func (s *shards) Metadata() map[string]string { return maps.Clone(s.metadata) }
func (s *shards) Size() int64                 { return s.size }
func (s *shards) Parts() []string             { return slices.Clone(s.parts) }

func (s *shards) Close() error {
	var all error
	for _, f := range s.files {
		all = errors.Join(all, f.Close())
	}
	return all
}

// OpenIndex opens the files that an index names, each by the function open: for each tensor
// the one that has it. A tensor that is not there, and one that the index does not name, are
// errors.
func OpenIndex(path string, open func(path string) (File, error)) (File, error) {
	s := &shards{}
	if err := s.open(path, open); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// ShardsOf returns the names of the files that an index names, each once, in their order:
// paths with slashes, in the folder of the index or below it.
func ShardsOf(path string) ([]string, error) {
	index, _, err := readIndex(path)
	if err != nil {
		return nil, err
	}
	return shardsOf(path, index)
}

func shardsOf(path string, index map[string]string) ([]string, error) {
	names := slices.Compact(slices.Sorted(maps.Values(index)))
	for _, name := range names {
		if local := filepath.FromSlash(name); !filepath.IsLocal(local) || filepath.Clean(local) == "." {
			return nil, indexMismatch(path, "", "the name of a shard in the folder of the index", Quote(name), indexAgain)
		}
	}
	return names, nil
}

func indexMismatch(path, tensor, expected, found, advice string) error {
	return &Mismatch{Format: shardsFormat, File: path, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}

// readIndex returns the shard of each tensor, and the bytes of the index.
func readIndex(path string) (shards map[string]string, size int64, err error) {
	opened, size, err := Open(shardsFormat, path)
	if err != nil {
		return nil, 0, err
	}
	defer opened.Close()
	if size > indexLimit {
		return nil, 0, indexMismatch(path, "", fmt.Sprintf("an index of at most %d bytes", indexLimit), fmt.Sprint(size), indexAgain)
	}
	data, err := io.ReadAll(io.LimitReader(opened, indexLimit))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %s: reading: %w", shardsFormat, path, err)
	}
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&index); err != nil {
		return nil, 0, indexMismatch(path, "", "the JSON of an index of shards", err.Error(), indexAgain)
	}
	if len(index.Map) == 0 {
		return nil, 0, indexMismatch(path, "", "a weight_map of tensors", "none", indexAgain)
	}
	return index.Map, size, nil
}

func (s *shards) open(path string, open func(path string) (File, error)) error {
	mismatch := func(tensor, expected, found, advice string) error {
		return indexMismatch(path, tensor, expected, found, advice)
	}
	index, size, err := readIndex(path)
	if err != nil {
		return err
	}
	names, err := shardsOf(path, index)
	if err != nil {
		return err
	}
	s.size, s.parts = size, []string{path}
	found := map[string]bool{}
	for _, name := range names {
		shard := filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
		if _, err := os.Stat(shard); errors.Is(err, os.ErrNotExist) {
			return mismatch("", "the file "+shard+" beside it", "none", "put all files of the weights into one folder")
		}
		f, err := open(shard)
		if err != nil {
			return err
		}
		s.files = append(s.files, f)
		parts := []string{shard}
		if parted, ok := f.(Parted); ok {
			parts = parted.Parts()
		}
		s.parts = append(s.parts, parts...)
		s.size += f.Size()
		if m := f.Metadata(); s.metadata == nil {
			s.metadata = m
		}
		for _, t := range f.Tensors() {
			if index[t.Name] != name {
				return mismatch(t.Name, "a tensor that the index names, of the shard "+Quote(name), "one that it does not name, or names for "+Quote(index[t.Name]), indexAgain)
			}
			found[t.Name] = true
			s.tensors = append(s.tensors, t)
		}
	}
	for name, shard := range index {
		if !found[name] {
			return mismatch(name, "the tensor in the shard "+Quote(shard), "none of that name", indexAgain)
		}
	}
	return nil
}
