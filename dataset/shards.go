package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// shardName is split-00000-of-01024, alone or with an ending; TF-slim's smaller sets
// write flowers_train_00000-of-00005.tfrecord.
var shardName = regexp.MustCompile(`^(.+)[-_](\d{5})-of-(\d{5})(?:\.tfrecords?)?(?:\.gz)?$`)

// shardOf returns the part of a record file's name before its number, and how many
// files there are of it; false for what is no record file.
func shardOf(name string) (prefix string, of int, ok bool) {
	if hidden(name) {
		return "", 0, false
	}
	if m := shardName.FindStringSubmatch(name); m != nil {
		of, _ = strconv.Atoi(m[3])
		return m[1], of, true
	}
	whole := strings.TrimSuffix(name, ".gz")
	ending := filepath.Ext(whole)
	return strings.TrimSuffix(whole, ending), 1, ending == ".tfrecord" || ending == ".tfrecords"
}

// isRecords tells a record file, a folder of them, and those of a pattern.
func isRecords(c candidate) bool {
	if !c.folder {
		_, ok := recordsIn(c.head)
		return ok
	}
	return slices.ContainsFunc(filesIn(c.path), func(name string) bool {
		_, _, ok := shardOf(name)
		return ok
	})
}

// filesIn returns the names of the files in a folder, in their order; none of one that
// cannot be read.
func filesIn(folder string) []string {
	entries, _ := os.ReadDir(folder)
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// openRecords reads a record file, or the shards in a folder or of a pattern.
func openRecords(ctx context.Context, c candidate, o Options) (*Set, error) {
	shards, split := c.files(), ""
	if c.folder {
		var err error
		if shards, split, err = findShards(c.path, o.Split); err != nil {
			return nil, err
		}
	}
	set, err := openShards(ctx, shards, o)
	if err == nil {
		set.split = split
	}
	return set, err
}

// findShards returns the record files of a split in a folder that has some, in the order
// of their numbers, and what they are called before these.
func findShards(root, split string) (shards []string, prefix string, err error) {
	found := map[string][]string{} // by the part before the number
	count := map[string]int{}
	var prefixes []string
	for _, name := range filesIn(root) {
		prefix, of, ok := shardOf(name)
		if !ok {
			continue
		}
		if found[prefix] == nil {
			prefixes = append(prefixes, prefix)
			count[prefix] = of
		}
		if count[prefix] != of {
			return nil, "", fmt.Errorf("the shards of %s are %d by the names of some and %d by %s; remove those that do not belong", prefix, count[prefix], of, name)
		}
		found[prefix] = append(found[prefix], filepath.Join(root, name))
	}
	prefix, err = shardsOfSplit(split, prefixes)
	if err != nil {
		return nil, "", err
	}
	// The files are sorted by name, hence by number.
	shards = found[prefix]
	if n := count[prefix]; len(shards) != n {
		return nil, "", fmt.Errorf("found %d of the %d shards of %s, %s; copy or download the others", len(shards), n, prefix, firstMissing(shards, n))
	}
	return shards, prefix, nil
}

// shardsOfSplit returns which shards are meant by a split, of what they are called before
// their numbers.
func shardsOfSplit(split string, prefixes []string) (string, error) {
	if split == "" {
		if len(prefixes) > 1 {
			return "", fmt.Errorf("found the shards of %s, expected one split; name the one to read", some(prefixes))
		}
		return prefixes[0], nil
	}
	var ending []string
	for _, prefix := range prefixes {
		if prefix == split || strings.HasSuffix(prefix, "_"+split) || strings.HasSuffix(prefix, "-"+split) {
			ending = append(ending, prefix)
		}
	}
	switch len(ending) {
	case 0:
	case 1:
		return ending[0], nil
	default:
		return "", fmt.Errorf("found the shards of %s, expected one split; name the one to read", some(ending))
	}
	prefix, err := resolve(split, prefixes, partOfShards)
	if errors.Is(err, errNoSplit) {
		err = noSplit(split, prefixes, "shards")
	}
	return prefix, err
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
	shards  []shard
	records []record
}

// A shard is a record file. One that is compressed is held in memory.
type shard struct {
	path     string
	unpacked []byte
}

// open returns the shard's records, which are read at their places.
func (s shard) open() (records io.ReaderAt, size int64, close func() error, err error) {
	if s.unpacked != nil {
		return bytes.NewReader(s.unpacked), int64(len(s.unpacked)), func() error { return nil }, nil
	}
	file, err := os.Open(s.path)
	if err != nil {
		return nil, 0, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, nil, errors.Join(err, file.Close())
	}
	return file, info.Size(), file.Close, nil
}

func (s *shardFiles) read(at int) ([]byte, error) {
	r := s.records[at]
	from := s.shards[r.shard]
	records, _, close, err := from.open()
	if err != nil {
		return nil, err
	}
	defer close()
	data, err := tfrecord.Read(records, r.at, r.length)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from.path, err)
	}
	return data[r.image.from:r.image.to:r.image.to], nil
}

func (s *shardFiles) Close() error { return nil }

// openShards indexes TFRecord files, several at once.
func openShards(ctx context.Context, paths []string, o Options) (*Set, error) {
	if o.Flat || o.Labels != nil {
		return nil, errors.New("found TFRecord files, expected a folder or an archive of images: records have labels of their own, so that a set of them is not flat")
	}
	names := o.Classes
	if names == nil {
		var err error
		if names, err = listedLabels(filepath.Dir(paths[0]), o.LabelOffset); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	indexes := make([]shardIndex, len(paths))
	shards := make([]shard, len(paths))
	room := newRoom(o.MemoryLimit)
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range min(len(paths), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range numbers {
				err := ctx.Err()
				if err == nil {
					shards[i], err = openShard(ctx, paths[i], room)
				}
				if err == nil {
					indexes[i], err = indexShard(ctx, shards[i], i, o.LabelOffset, len(names))
				}
				if err != nil {
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
	return joinShards(shards, indexes, names)
}

// A shardIndex is what one shard holds.
type shardIndex struct {
	records []record
	items   []item           // with at as the place in records
	classes map[int32]string // the names that records give their labels
}

// indexShard finds the records of a shard. It passes the images without reading them.
func indexShard(ctx context.Context, from shard, number, offset, classes int) (shardIndex, error) {
	index := shardIndex{classes: map[int32]string{}}
	records, size, close, err := from.open()
	if err != nil {
		return index, err
	}
	defer close()
	path := from.path
	w := &window{r: records, size: size}
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
		place := len(index.records)
		name := e.filename
		if name == "" {
			name = fmt.Sprintf("%s#%d", filepath.Base(path), place)
		}
		index.items = append(index.items, item{name: name, key: keyOf(name), label: int32(label), at: place})
		index.records = append(index.records, record{number, at, length, span{e.image.from - data, e.image.to - data}})
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
func joinShards(shards []shard, indexes []shardIndex, classes []string) (*Set, error) {
	files := &shardFiles{shards: shards}
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
		return nil, fmt.Errorf("found no records in %d files; copy or download them again", len(shards))
	}
	if classes == nil {
		classes = numberNames(int(top)+1, named)
	}
	set.classes = classes
	return set, enoughClasses(classes)
}
