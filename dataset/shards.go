package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-fb2c0fa6/inception/internal/tfrecord"
)

// labelsFile lies beside shards and has lines such as "0:daisy"
// (TF-slim's datasets/dataset_utils.py).
const labelsFile = "labels.txt"

// shardName is split-00000-of-01024, alone or with an ending; TF-slim's smaller sets
// write flowers_train_00000-of-00005.tfrecord.
var shardName = regexp.MustCompile(`^(.+)[-_](\d{5})-of-(\d{5})(?:\.tfrecords?)?$`)

// shardOf returns the part of a record file's name before its number, and how many
// files there are of it; false for what is no record file.
func shardOf(entry os.DirEntry) (prefix string, of int, ok bool) {
	name := entry.Name()
	if entry.IsDir() || hidden(name) {
		return "", 0, false
	}
	if m := shardName.FindStringSubmatch(name); m != nil {
		of, _ = strconv.Atoi(m[3])
		return m[1], of, true
	}
	ending := filepath.Ext(name)
	return strings.TrimSuffix(name, ending), 1, ending == ".tfrecord" || ending == ".tfrecords"
}

// isRecords tells a record file, and a folder of them.
func isRecords(c candidate) bool {
	if !c.folder {
		return tfrecord.Begins(c.head)
	}
	entries, _ := os.ReadDir(c.path) // a folder that cannot be read is none of records
	return slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		_, _, ok := shardOf(entry)
		return ok
	})
}

// openRecords reads a record file, or the shards in a folder.
func openRecords(ctx context.Context, c candidate, o Options) (*Set, error) {
	folder, shards := filepath.Dir(c.path), []string{c.path}
	if c.folder {
		var err error
		folder = c.path
		if shards, err = findShards(folder, o.Split); err != nil {
			return nil, err
		}
	}
	return openShards(ctx, shards, filepath.Join(folder, labelsFile), o)
}

// findShards returns the record files of a split in a folder that has some, in the order
// of their numbers.
func findShards(root, split string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{} // by the part before the number
	count := map[string]int{}
	var prefixes []string
	for _, entry := range entries {
		name := entry.Name()
		prefix, of, ok := shardOf(entry)
		if !ok {
			continue
		}
		if found[prefix] == nil {
			prefixes = append(prefixes, prefix)
			count[prefix] = of
		}
		if count[prefix] != of {
			return nil, fmt.Errorf("the shards of %s are %d by the names of some and %d by %s; remove those that do not belong", prefix, count[prefix], of, name)
		}
		found[prefix] = append(found[prefix], filepath.Join(root, name))
	}
	chosen := slices.DeleteFunc(slices.Clone(prefixes), func(prefix string) bool {
		return split != "" && prefix != split && !strings.HasSuffix(prefix, "_"+split) && !strings.HasSuffix(prefix, "-"+split)
	})
	switch {
	case len(chosen) == 0:
		return nil, noSplit(split, prefixes, "shards")
	case len(chosen) > 1:
		return nil, fmt.Errorf("found the shards of %s, expected one split; name the one to read", some(chosen))
	}
	// ReadDir sorts by name, hence by number.
	shards := found[chosen[0]]
	if n := count[chosen[0]]; len(shards) != n {
		return nil, fmt.Errorf("found %d of the %d shards of %s, %s; copy or download the others", len(shards), n, chosen[0], firstMissing(shards, n))
	}
	return shards, nil
}

// firstMissing names the first gap in the numbers of shards.
func firstMissing(shards []string, n int) string {
	have := map[int]bool{}
	for _, shard := range shards {
		if m := shardName.FindStringSubmatch(filepath.Base(shard)); m != nil {
			i, _ := strconv.Atoi(m[2])
			have[i] = true
		}
	}
	for i := range n {
		if !have[i] {
			return fmt.Sprintf("the first that is missing has the number %05d", i)
		}
	}
	return "with some numbers twice or too high"
}

// A record is where an image lies in a shard.
type record struct {
	shard  int
	at     int64 // of the record
	length int64 // of its data
	image  span  // in its data
}

// shardFiles reads images from TFRecord files.
type shardFiles struct {
	paths   []string
	records []record
}

func (s *shardFiles) read(at int) ([]byte, error) {
	r := s.records[at]
	path := s.paths[r.shard]
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := tfrecord.Read(file, r.at, r.length)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data[r.image.from:r.image.to:r.image.to], nil
}

func (s *shardFiles) Close() error { return nil }

// openShards indexes TFRecord files, several at once.
func openShards(ctx context.Context, paths []string, labels string, o Options) (*Set, error) {
	if o.Flat || o.Labels != nil {
		return nil, errors.New("found TFRecord files, expected a folder or an archive of images: records have labels of their own, so that a set of them is not flat")
	}
	names := o.Classes
	if names == nil {
		var err error
		if names, err = readLabels(labels, o.LabelOffset); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	indexes := make([]shardIndex, len(paths))
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range min(len(paths), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range numbers {
				var err error
				if indexes[i], err = indexShard(ctx, paths[i], i, o.LabelOffset, len(names)); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range paths {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return joinShards(paths, indexes, names)
}

// A shardIndex is what one shard holds.
type shardIndex struct {
	records []record
	items   []item           // with at as the place in records
	classes map[int32]string // the names that records give their labels
}

// indexShard finds the records of a shard. It passes the images without reading them.
func indexShard(ctx context.Context, path string, shard, offset, classes int) (shardIndex, error) {
	index := shardIndex{classes: map[int32]string{}}
	file, err := os.Open(path)
	if err != nil {
		return index, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return index, err
	}
	w := &window{r: file, size: info.Size()}
	for at := int64(0); at < w.size; {
		if err := ctx.Err(); err != nil {
			return index, err
		}
		length, err := tfrecord.Length(w, at, w.size)
		if err != nil {
			return index, fmt.Errorf("%s: %w", path, err)
		}
		data := at + tfrecord.HeadSize
		e, err := readExample(w, span{data, data + length})
		if err != nil {
			return index, fmt.Errorf("%s: the record at byte %d: %w", path, at, err)
		}
		label := e.label - int64(offset)
		if label < 0 || label >= maxClasses || classes > 0 && label >= int64(classes) {
			return index, fmt.Errorf("%s: the record at byte %d has the label %d, less the offset %d: %d; %s; check the label offset and the list of classes",
				path, at, e.label, offset, label, expectedLabels(classes))
		}
		number := len(index.records)
		name := e.filename
		if name == "" {
			name = fmt.Sprintf("%s#%d", filepath.Base(path), number)
		}
		index.items = append(index.items, item{name: name, key: keyOf(name), label: int32(label), at: number})
		index.records = append(index.records, record{shard, at, length, span{e.image.from - data, e.image.to - data}})
		if e.class != "" {
			index.classes[int32(label)] = e.class
		}
		at = data + length + tfrecord.TailSize
	}
	return index, nil
}

// maxClasses is more than any list of classes: a label beyond it is a mistake.
const maxClasses = 1 << 20

func expectedLabels(classes int) string {
	if classes == 0 {
		return "expected one that is not negative"
	}
	return fmt.Sprintf("expected one from 0 to %d for %d classes", classes-1, classes)
}

// joinShards makes a set of the shards' indexes. Where no list names the classes,
// the records do, or else their numbers.
func joinShards(paths []string, indexes []shardIndex, classes []string) (*Set, error) {
	files := &shardFiles{paths: paths}
	set := &Set{storage: files}
	named := map[int32]string{}
	top := int32(-1)
	for _, index := range indexes {
		for _, it := range index.items {
			it.at += len(files.records)
			set.items = append(set.items, it)
			top = max(top, it.label)
		}
		files.records = append(files.records, index.records...)
		for label, name := range index.classes {
			named[label] = name
		}
	}
	if len(set.items) == 0 {
		return nil, fmt.Errorf("found no records in %d files; copy or download them again", len(paths))
	}
	if classes == nil {
		classes = make([]string, top+1)
		for label := range classes {
			if classes[label] = named[int32(label)]; classes[label] == "" {
				classes[label] = strconv.Itoa(label)
			}
		}
	}
	set.classes = classes
	return set, enoughClasses(classes)
}

// readLabels reads the names of the labels offset, offset+1, ... from lines
// number:name, where the numbers are those in the records; nil when there is no such
// file.
func readLabels(path string, offset int) ([]string, error) {
	file, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var names []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		number, name, ok := strings.Cut(line, ":")
		n, err := strconv.Atoi(number)
		if next := offset + len(names); !ok || err != nil || n > next || n < next && len(names) > 0 {
			return nil, fmt.Errorf("%s: expected a line \"%d:name\", found %q; give the classes, or check the label offset", path, next, line)
		} else if n == next {
			names = append(names, name)
		} // else a label below the offset, such as the background
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return names, nil
}
