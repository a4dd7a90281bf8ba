package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// DefaultMemoryLimit is the limit on the images of a compressed archive where none is
// set, in bytes.
const DefaultMemoryLimit = 2 << 30

// Options says which images of a path are read, and how they are labelled. The zero
// value reads a set that is not divided into splits, and takes its classes from it.
type Options struct {
	// Split is the part to read: the folder above the class folders, such as
	// "train" in train/cat/1.jpg, or the part of the names of shards before their number,
	// such as "train" in train-00000-of-01024 and in flowers_train_00000-of-00005.tfrecord.
	// One that is called otherwise by case or custom is found, too: "train" stands for
	// Training and seg_train, "validation" for val. Empty when the set has no splits.
	Split string
	// Classes fixes the classes and the order of their labels, as for a network that
	// has been trained. When nil, the classes are the class folders in the order of
	// their names; of TFRecord shards, those in labels.txt beside them or else in the
	// records.
	Classes []string
	// LabelOffset is subtracted from the labels of TFRecord shards: 1 for ImageNet's,
	// which are 1 to 1000, and a network of 1000 classes; 0 for one of 1001, whose
	// class 0 is the background. Class folders have none.
	LabelOffset int
	// Flat reads all images of a folder or an archive, whatever folders they lie in, as
	// the validation and the test images of ILSVRC-2012, which lie in none. Classes must
	// be given.
	Flat bool
	// Labels are those of the images of a flat set, in the order of their names. When
	// nil they are not known, and Label returns -1.
	Labels []int
	// MemoryLimit is the largest size in bytes of the images of a compressed archive,
	// which are held in memory; DefaultMemoryLimit when zero.
	MemoryLimit int64
}

// A Set is a list of labelled image files. Its methods may be called from several
// goroutines at once, except for Close.
type Set struct {
	path    string
	split   string
	classes []string
	items   []item
	ignored []string
	left    LeftOut
	storage storage
}

// An item is one image.
type item struct {
	name  string
	key   uint64 // hash of the name below the split
	label int32
	at    int // which of the storage's files
}

// A storage gives the bytes of a set's files, from several goroutines at once.
type storage interface {
	read(at int) ([]byte, error)
	Close() error
}

// Open lists the images of a path, which is one of
//   - a folder class/file or split/class/file; a class holds what is below its folder;
//   - a .tar or .zip archive of such folders, read in place;
//   - a compressed .tar archive of such folders, whose images are read into memory;
//   - a WebDataset shard, or a folder of shards such as train-000000.tar, read in place;
//     the class of a sample is in its .cls, .json or .txt, a number or a name;
//   - a TFRecord file, or a folder of shards such as train-00000-of-01024, in TF-slim's
//     layout for ImageNet, read in place; compressed ones are read into memory;
//   - a text file of paths and labels, such as a .csv, whose paths are relative to its folder;
//   - a pattern such as train-{000000..000146}.tar or val-*, which names several shards.
//
// What a file is, is told from its content; [Sources] lists the compressions. Images are listed in the order of their
// names, or of the records.
func Open(ctx context.Context, path string, o Options) (*Set, error) {
	if o.MemoryLimit < 0 {
		return nil, fmt.Errorf("the memory limit is %d bytes, expected a positive one, or 0 for %d", o.MemoryLimit, int64(DefaultMemoryLimit))
	}
	if err := distinct(o.Classes); err != nil {
		return nil, err
	}
	s, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", path, err)
	}
	s.path = path
	return s, nil
}

// distinct refuses class names that are empty or given twice.
func distinct(classes []string) error {
	if classes == nil {
		return nil
	}
	seen := make(map[string]int, len(classes))
	for i, class := range classes {
		class = normal(class)
		if before, ok := seen[class]; ok || class == "" {
			return fmt.Errorf("class %d is called %q, expected a name that no other has, found class %d of the same name", i, class, before)
		}
		seen[class] = i
	}
	return enoughClasses(classes)
}

func enoughClasses(classes []string) error {
	switch len(classes) {
	case 0:
		return errors.New("expected at least two classes, found none; put the images of each class into a folder of its name")
	case 1:
		return fmt.Errorf("expected at least two classes, found only %q; put the images of each class into a folder of its name, and name the folder above these folders", classes[0])
	}
	return nil
}

// Classes returns the names of the classes in the order of their labels.
func (s *Set) Classes() []string { return append([]string(nil), s.classes...) }

// Len returns the number of images, at least one.
func (s *Set) Len() int { return len(s.items) }

// Name returns where in the set image i is: its path, or for a record without a file
// name its shard and number.
func (s *Set) Name(i int) string { return s.items[i].name }

// File returns the path of the file that image i is; false where it is a part of an archive
// or of a shard.
func (s *Set) File(i int) (path string, ok bool) {
	files, ok := s.storage.(interface{ path(at int) string })
	if !ok {
		return "", false
	}
	return files.path(s.items[i].at), true
}

// Label returns the class of image i, from 0 to len(Classes())-1; -1 for all images of a
// flat set without labels.
func (s *Set) Label(i int) int { return int(s.items[i].label) }

// Read returns the file of image i, undecoded. The caller must not change it.
func (s *Set) Read(i int) ([]byte, error) { return s.storage.read(s.items[i].at) }

// Ignored returns the paths of the files that are no images, or lie in no class folder.
func (s *Set) Ignored() []string { return append([]string(nil), s.ignored...) }

// Split returns the name of the split's folder, shards or values, which may be another than
// the one that was asked for; empty where there are none.
func (s *Set) Split() string { return s.split }

// LeftOut returns what may be missing from the set. The images of formats that are not read
// are among Ignored, too.
func (s *Set) LeftOut() LeftOut { return s.left }

// Close closes the set's files. Sets that HoldOut made share them.
func (s *Set) Close() error { return s.storage.Close() }

// HoldOut divides the set: held has about the given share of the images, in (0,1), and
// rest the others. An image's part follows from a hash of its name below the split, so
// it stays when others are added or the set is packed into an archive.
func (s *Set) HoldOut(share float64) (rest, held *Set, err error) {
	if !(share > 0 && share < 1) {
		return nil, nil, fmt.Errorf("data set %s: the share to hold out is %g, expected one between 0 and 1", s.path, share)
	}
	parts := [2]*Set{}
	for i := range parts {
		part := *s
		part.items = nil
		parts[i] = &part
	}
	for _, it := range s.items {
		part := 0
		if float64(it.key>>11)/(1<<53) < share {
			part = 1
		}
		parts[part].items = append(parts[part].items, it)
	}
	if len(parts[0].items) == 0 || len(parts[1].items) == 0 {
		return nil, nil, fmt.Errorf("data set %s: holding out %g of %d images leaves a part without any; choose another share or add images", s.path, share, len(s.items))
	}
	return parts[0], parts[1], nil
}

// Part is the images from one on, before another, which shares their files: it is not closed.
func (s *Set) Part(from, to int) *Set {
	part := *s
	part.items = s.items[from:to:to]
	return &part
}

// keyOf hashes a name: the same in every version and on every machine.
func keyOf(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.LittleEndian.Uint64(sum[:])
}
