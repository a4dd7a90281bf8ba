package dataset

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// WebDataset shards are tar archives without folders for classes: a sample is the files of
// one name, such as 000017.jpg, 000017.cls and 000017.json, by what stands before the first
// dot.

// sampleOf divides the path of a file in a shard into the sample and what the file is of
// it, in lower case.
func sampleOf(name string) (sample, of string) {
	folder, file := path.Split(name)
	stem, of, _ := strings.Cut(file, ".")
	return folder + stem, strings.ToLower(of)
}

// labelKinds are the files of a sample that may say its class, the plainest first.
func labelKinds() []string { return []string{"cls", "cls.txt", "json", "txt"} }

// tarName is that of a shard: what it is called, its number, and the ending.
var tarName = regexp.MustCompile(`^(.*?)[-_.]?\d*\.(?:tar|tar\.gz|tgz|tar\.zst)$`)

// isSamples tells a shard, a folder of shards, and those of a pattern.
func isSamples(c candidate) bool {
	path := c.files()[0]
	if c.folder {
		tars := tarsIn(path)
		if len(tars) == 0 {
			return false
		}
		path = tars[0]
		head, err := headOf(path)
		if err != nil {
			return false
		}
		c.head = head
	}
	if _, compressed := compressionOf(c.head); !compressed && !isTar(c.head) {
		return false
	}
	return beginsWithSamples(path)
}

// tarsIn returns the archives in a folder, in the order of their names.
func tarsIn(folder string) []string {
	var tars []string
	for _, name := range filesIn(folder) {
		if tarName.MatchString(name) && !hidden(name) {
			tars = append(tars, filepath.Join(folder, name))
		}
	}
	return tars
}

// errSeen ends the look into an archive.
var errSeen = errors.New("seen enough")

// beginsWithSamples looks at the first files of an archive for an image and a label of one
// sample. Beside images in class folders, only .cls is a label: scrapers leave texts there.
func beginsWithSamples(path string) bool {
	const files = 64
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	images, labels := map[string]bool{}, map[string]bool{}
	n, found := 0, false
	_, _, _ = walkSample(context.Background(), file, func(f sampleFile) error {
		sample, of := sampleOf(f.name)
		if f.kind.image {
			images[sample] = true
		} else if of == "cls" || slices.Contains(labelKinds(), of) && !strings.Contains(sample, "/") {
			labels[sample] = true
		}
		n++
		found = images[sample] && labels[sample]
		if found || n == files {
			return errSeen
		}
		return nil
	})
	return found
}

// A sampleFile is a file in a shard.
type sampleFile struct {
	file
	member
	head    []byte
	content io.Reader // behind the head
}

// walkSample calls visit for the files of a shard, compressed or not.
func walkSample(ctx context.Context, archive *os.File, visit func(sampleFile) error) (listing, []member, error) {
	head, err := beginning(archive)
	if err == nil {
		_, err = archive.Seek(0, io.SeekStart)
	}
	if err != nil {
		return listing{}, nil, err
	}
	var r io.Reader = archive
	of, compressed := compressionOf(head)
	if compressed {
		unpacked, err := of.reader(archive)
		if err != nil {
			return listing{}, nil, err
		}
		defer unpacked.Close()
		r = unpacked
	}
	return walkTar(ctx, r, func(f file, size int64, head []byte, content io.Reader) (member, error) {
		m := member{offset: notHeld, size: size}
		if !compressed {
			offset, err := archive.Seek(0, io.SeekCurrent)
			if err != nil {
				return m, err
			}
			m.offset = offset - int64(len(head))
		}
		return m, visit(sampleFile{f, m, head, content})
	})
}

// openSamples reads a shard, the shards in a folder, or those of a pattern.
func openSamples(ctx context.Context, c candidate, o Options) (*Set, error) {
	if o.Flat || o.Labels != nil {
		return nil, errors.New("found WebDataset shards, expected a folder or an archive of images: samples have labels of their own, so that a set of them is not flat")
	}
	paths := c.files()
	if c.folder {
		paths = tarsIn(c.path)
	}
	paths, split, err := chosenTars(paths, o.Split)
	if err != nil {
		return nil, err
	}
	shards := make([]sampleShard, len(paths))
	room := newRoom(o.MemoryLimit)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range min(len(paths), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range numbers {
				err := ctx.Err()
				if err == nil {
					err = shards[i].index(ctx, paths[i], room)
				}
				if err != nil {
					cancel(fmt.Errorf("%s: %w", paths[i], err))
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
	listed, err := listedLabels(filepath.Dir(paths[0]), o.LabelOffset)
	if err != nil {
		return nil, err
	}
	set, err := joinSamples(shards, listed, o)
	if err == nil {
		set.split = split
	}
	return set, err
}

// chosenTars returns the shards of a split, and what they are called before their numbers.
// All are taken where none is asked for and their names tell of none.
func chosenTars(paths []string, split string) (chosen []string, prefix string, err error) {
	byPrefix := map[string][]string{}
	var prefixes []string
	parts := false
	for _, path := range paths {
		prefix := filepath.Base(path)
		if m := tarName.FindStringSubmatch(prefix); m != nil {
			prefix = m[1]
		}
		if byPrefix[prefix] == nil {
			prefixes = append(prefixes, prefix)
			parts = parts || partOfShards(prefix) != noPart
		}
		byPrefix[prefix] = append(byPrefix[prefix], path)
	}
	if split == "" && (!parts || len(prefixes) == 1) {
		return paths, "", nil
	}
	prefix, err = shardsOfSplit(split, prefixes)
	return byPrefix[prefix], prefix, err
}

// A sampleShard is what a shard holds.
type sampleShard struct {
	path    string
	samples []sample
	foreign []ForeignImage
}

// A sample is an image and what is said of it.
type sample struct {
	name   string // of the image
	rank   int    // of the image among those of the sample, the lower the better
	member member
	held   []byte // the image, of a compressed shard
	labels map[string][]byte
}

// imageRank orders the images of a sample: those that are called by a plain ending before
// others, such as a mask.
func imageRank(of string) int {
	if i := slices.Index(imageEndings(), "."+of); i >= 0 {
		return i
	}
	return len(imageEndings()) + strings.Count(of, ".")
}

// largestLabel is the size in bytes of a file that may say a class.
const largestLabel = 1 << 20

// index finds the samples of a shard.
func (s *sampleShard) index(ctx context.Context, path string, room *room) error {
	s.path = path
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	at := map[string]int{}
	find := func(key string) *sample {
		i, ok := at[key]
		if !ok {
			i = len(s.samples)
			at[key] = i
			s.samples = append(s.samples, sample{labels: map[string][]byte{}})
		}
		return &s.samples[i]
	}
	_, _, err = walkSample(ctx, archive, func(f sampleFile) error {
		key, of := sampleOf(f.name)
		switch {
		case f.kind.foreign != "":
			s.foreign = append(s.foreign, ForeignImage{filepath.Base(path) + "/" + f.name, f.kind.foreign})
		case f.kind.image:
			to, rank := find(key), imageRank(of)
			if to.name != "" && to.rank <= rank {
				return nil
			}
			to.name, to.rank, to.member = f.name, rank, f.member
			if f.offset == notHeld {
				if err := room.take(f.size); err != nil {
					return err
				}
				data, err := f.all()
				to.held = data
				return err
			}
		case slices.Contains(labelKinds(), of):
			if f.size > largestLabel {
				return nil
			}
			data, err := f.all()
			find(key).labels[of] = data
			return err
		}
		return nil
	})
	if err != nil {
		position, _ := archive.Seek(0, io.SeekCurrent)
		return corrupt("tar archive", position, err)
	}
	return nil
}

// all reads the file.
func (f sampleFile) all() ([]byte, error) {
	data := make([]byte, f.size)
	_, err := io.ReadFull(f.content, data[copy(data, f.head):])
	return data, err
}

// claim says what a sample's class is.
func (s sample) claim(where string) (claim, error) {
	for _, of := range labelKinds() {
		data, ok := s.labels[of]
		if !ok {
			continue
		}
		where := where + "." + of
		if of == "json" {
			c, ok, err := jsonClaim(data, where)
			if err != nil {
				return claim{}, err
			}
			if ok {
				return c, nil
			}
			continue
		}
		text := strings.TrimSpace(string(data))
		if text == "" {
			return claim{}, fmt.Errorf("%s is empty, expected the number or the name of a class", where)
		}
		c := claimOf(text, where)
		if data, ok := s.labels["json"]; ok && c.numbered { // which may name it
			if named, ok, err := jsonClaim(data, where); err == nil && ok {
				c.class = named.class
			}
		}
		return c, nil
	}
	return claim{}, fmt.Errorf("%s has no class: expected beside the image a file .cls, .json with a label, or .txt", where)
}

// jsonClaim finds a class in an object by the usual keys: a number, a name or both.
func jsonClaim(data []byte, where string) (c claim, ok bool, err error) {
	var object map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return c, false, fmt.Errorf("%s should be a JSON object: %w", where, err)
	}
	c.where = where
	for _, key := range []string{"label", "cls", "class_id", "class_index", "label_id", "target", "category_id", "class", "category"} {
		switch value := object[key].(type) {
		case json.Number:
			if n, err := value.Int64(); err == nil && !c.numbered {
				c.number, c.numbered = n, true
			}
		case string:
			c.class = cmp.Or(c.class, value)
		}
	}
	for _, key := range []string{"synset", "wnid", "class_name", "label_name", "category_name"} {
		if value, ok := object[key].(string); ok {
			c.class = cmp.Or(c.class, value)
		}
	}
	if n, err := strconv.ParseInt(c.class, 10, 64); err == nil && !c.numbered {
		c = claim{number: n, numbered: true, where: where}
	}
	return c, c.numbered || c.class != "", nil
}

// joinSamples makes a set of the shards' samples, in their order.
func joinSamples(shards []sampleShard, listed []string, o Options) (*Set, error) {
	files := &sampleFiles{}
	set := &Set{storage: files}
	var claims []claim
	for i, shard := range shards {
		files.paths = append(files.paths, shard.path)
		set.left.Images = append(set.left.Images, shard.foreign...)
		for _, s := range shard.samples {
			if s.name == "" {
				continue // of another kind, such as a text about all
			}
			key, _ := sampleOf(s.name)
			name := filepath.Base(shard.path) + "/" + s.name
			c, err := s.claim(filepath.Base(shard.path) + "/" + key)
			if err != nil {
				return nil, err
			}
			set.items = append(set.items, item{name: name, key: keyOf(s.name), at: len(files.images)})
			files.images = append(files.images, sampleImage{i, s.member, s.held})
			claims = append(claims, c)
		}
	}
	if len(set.items) == 0 {
		return nil, fmt.Errorf("found no samples with an image in %d shards", len(shards))
	}
	for _, f := range set.left.Images {
		set.ignored = append(set.ignored, f.Name)
	}
	classes, labels, err := settle(claims, listed, o)
	if err != nil {
		return nil, err
	}
	set.classes = classes
	for i := range set.items {
		set.items[i].label = labels[i]
	}
	return set, nil
}

// sampleFiles read the images of shards.
type sampleFiles struct {
	paths  []string
	images []sampleImage
}

type sampleImage struct {
	shard  int
	member member
	held   []byte
}

func (s *sampleFiles) read(at int) ([]byte, error) {
	image := s.images[at]
	if image.member.offset == notHeld {
		return image.held, nil
	}
	path := s.paths[image.shard]
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return image.member.read(file)
}

func (s *sampleFiles) Close() error { return nil }
