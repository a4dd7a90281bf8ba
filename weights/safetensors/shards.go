package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// indexLimit bounds the bytes of an index of shards.
const indexLimit = 64 << 20

// RecogniseIndex reports whether a file is the index of weights in several files.
func RecogniseIndex(s tensorfile.Sample) bool {
	return isShardIndex(s.Head) || isShardIndex(append(slices.Clone(s.Head), s.Tail...))
}

// shards are the files of an index, seen as one.
type shards struct {
	size     int64
	metadata map[string]string
	tensors  []tensorfile.Tensor
	files    []tensorfile.File
	parts    []string
}

func (s *shards) Tensors() []tensorfile.Tensor { return slices.Clone(s.tensors) }
func (s *shards) Metadata() map[string]string  { return maps.Clone(s.metadata) }
func (s *shards) Size() int64                  { return s.size }
func (s *shards) Parts() []string              { return slices.Clone(s.parts) }

func (s *shards) Close() error {
	var all error
	for _, f := range s.files {
		all = errors.Join(all, f.Close())
	}
	return all
}

// OpenIndex opens the files that an index names: for each tensor the one that has it. A
// tensor that is not there, and one that the index does not name, are errors.
func OpenIndex(path string) (tensorfile.File, error) {
	s := &shards{}
	if err := s.open(path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *shards) open(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("safetensors: %s: expected a readable file: %w; check the path and its permissions", path, err)
	}
	if info.Size() > indexLimit {
		return mismatch(path, "", fmt.Sprintf("an index of at most %d bytes", indexLimit), fmt.Sprint(info.Size()), exportAgain)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("safetensors: %s: expected a readable file: %w", path, err)
	}
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&index); err != nil {
		return mismatch(path, "", "the JSON of an index of shards", err.Error(), downloadAgain)
	}
	if len(index.Map) == 0 {
		return mismatch(path, "", "a weight_map of tensors", "none", exportAgain)
	}
	s.size, s.parts = info.Size(), []string{path}
	found := map[string]bool{}
	for _, name := range slices.Compact(slices.Sorted(maps.Values(index.Map))) {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return mismatch(path, "", "the name of a shard in the folder of the index", tensorfile.Quote(name), exportAgain)
		}
		shard := filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
		if _, err := os.Stat(shard); errors.Is(err, os.ErrNotExist) {
			return mismatch(path, "", "the file "+shard+" beside it", "none", "put all files of the weights into one folder")
		}
		f, err := OpenTensors(shard)
		if err != nil {
			return err
		}
		s.files = append(s.files, f)
		s.parts = append(s.parts, shard)
		s.size += f.Size()
		if m := f.Metadata(); s.metadata == nil {
			s.metadata = m
		}
		for _, t := range f.Tensors() {
			if index.Map[t.Name] != name {
				return mismatch(path, t.Name, "a tensor that the index names, of the shard "+tensorfile.Quote(name), "one that it does not name, or names for "+tensorfile.Quote(index.Map[t.Name]), exportAgain)
			}
			found[t.Name] = true
			s.tensors = append(s.tensors, t)
		}
	}
	for name, shard := range index.Map {
		if !found[name] {
			return mismatch(path, name, "the tensor in the shard "+tensorfile.Quote(shard), "none of that name", downloadAgain)
		}
	}
	return nil
}
