package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// shardSet writes a set of 5 images in the shards train-0000?-of-00002, with ImageNet's
// labels from 1, and images larger than what is read at once.
func shardSet(t *testing.T) (root string, images [][]byte) {
	t.Helper()
	root = t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	var shards [2][]byte
	for i := range 5 {
		image := make([]byte, 3000*(i+1))
		for j := range image {
			image[j] = byte(random.Uint32())
		}
		images = append(images, image)
		label := int64(1 + i%3)
		shards[i/3] = append(shards[i/3], imageRecord(image, label, fmt.Sprintf("n%02d_%d.JPEG", label, i), fmt.Sprintf("n%02d", label), "a text")...)
	}
	for i, shard := range shards {
		if err := os.WriteFile(filepath.Join(root, fmt.Sprintf("train-%05d-of-00002", i)), shard, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "validation-00000-of-00001"), imageRecord([]byte("v"), 2, "v.JPEG", "n02", ""), 0o644); err != nil {
		t.Fatal(err)
	}
	return root, images
}

func TestShards(t *testing.T) {
	root, images := shardSet(t)
	s := mustOpen(t, root, Options{Split: "train", LabelOffset: 1})
	if got := s.Classes(); !slices.Equal(got, []string{"n01", "n02", "n03"}) {
		t.Errorf("classes %q", got)
	}
	if got := names(s); !slices.Equal(got, []string{"n01_0.JPEG", "n02_1.JPEG", "n03_2.JPEG", "n01_3.JPEG", "n02_4.JPEG"}) {
		t.Errorf("images %q", got)
	}
	for i, want := range images {
		if got, err := s.Read(i); err != nil || !bytes.Equal(got, want) {
			t.Errorf("image %d has other bytes: %v", i, err)
		}
		if s.Label(i) != i%3 {
			t.Errorf("image %d has the label %d, want %d", i, s.Label(i), i%3)
		}
	}
	// TF-slim's networks of 1001 classes have a background.
	s = mustOpen(t, root, Options{Split: "train"})
	if got := s.Classes(); !slices.Equal(got, []string{"0", "n01", "n02", "n03"}) || s.Label(0) != 1 {
		t.Errorf("with a background: classes %q, label %d", got, s.Label(0))
	}
	// Numbers in labels.txt are those in the records.
	if err := os.WriteFile(filepath.Join(root, labelsFiles()[0]), []byte("0:background\n1:one\n2:two\n3:three\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, root, Options{Split: "train", LabelOffset: 1})
	if got := s.Classes(); !slices.Equal(got, []string{"one", "two", "three"}) || s.Label(0) != 0 {
		t.Errorf("with labels.txt: classes %q, label %d", got, s.Label(0))
	}
	// One shard alone.
	s = mustOpen(t, filepath.Join(root, "train-00001-of-00002"), Options{LabelOffset: 1})
	if s.Len() != 2 {
		t.Errorf("one shard has %d images, want 2", s.Len())
	}
}

// TestRecordVariants reads what other writers make of the same layout.
func TestRecordVariants(t *testing.T) {
	image := pictures(t, "1.jpg")["1.jpg"]
	file := slices.Concat(
		recordBytes(exampleBytes(looseFeature("image/class/label", 1), textFeature("image/encoded", string(image)))),
		recordBytes(exampleBytes(textFeature("image/class/text", "tench"), intFeature("image/class/label", 0), textFeature("image/encoded", string(image)))),
	)
	root := t.TempDir()
	for name, data := range map[string][]byte{"fish_train_00000-of-00001.tfrecord": file, "fish_validation.tfrecords": file, "other.txt": nil} {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for split, file := range map[string]string{"train": "fish_train_00000-of-00001.tfrecord", "validation": "fish_validation.tfrecords"} {
		s := mustOpen(t, root, Options{Split: split})
		if got := s.Classes(); !slices.Equal(got, []string{"tench", "1"}) {
			t.Errorf("%s: classes %q", split, got)
		}
		if want := []string{file + "#0", file + "#1"}; !slices.Equal(names(s), want) {
			t.Errorf("%s: images %q, want %q", split, names(s), want)
		}
		for i := range 2 {
			if got, err := s.Read(i); err != nil || !bytes.Equal(got, image) || s.Label(i) != 1-i {
				t.Errorf("%s: image %d: label %d, %v", split, i, s.Label(i), err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(root, labelsFiles()[0]), []byte("0:a fish\n1:no: a bird\n2:rare\n\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, root, Options{Split: "train"})
	if got := s.Classes(); !slices.Equal(got, []string{"a fish", "no: a bird", "rare"}) {
		t.Errorf("with labels.txt: classes %q", got)
	}
	s = mustOpen(t, root, Options{Split: "train", LabelOffset: -1, Classes: []string{"x", "y", "z"}})
	if s.Label(0) != 2 || s.Label(1) != 1 {
		t.Errorf("moved up: labels %d and %d, want 2 and 1", s.Label(0), s.Label(1))
	}
	s = mustOpen(t, root, Options{Split: "train", Classes: []string{"x", "y"}})
	if got := s.Classes(); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("with given classes: %q", got)
	}
}

func TestBadRecords(t *testing.T) {
	good := imageRecord([]byte("image"), 1, "1.jpg", "n1", "")
	flipped := func(at int) []byte {
		data := slices.Concat(good, good)
		data[len(good)+at] ^= 1
		return data
	}
	at := fmt.Sprintf("byte %d", len(good))
	with := func(features ...feature) []byte { return recordBytes(exampleBytes(features...)) }
	for name, c := range map[string]struct {
		data []byte
		o    Options
		want []string
	}{
		"length":            {flipped(3), Options{}, []string{at, "its length has the checksum", "again"}},
		"length's checksum": {flipped(9), Options{}, []string{at, "its length has the checksum"}},
		"cut head":          {slices.Concat(good, good[:7]), Options{}, []string{at, "cut off after 7 bytes"}},
		"cut data":          {slices.Concat(good, good[:40]), Options{}, []string{at, "cut off", "the file ends 40 bytes after"}},
		"not an example":    {slices.Concat(good, recordBytes([]byte("\x0a\xff\x01"))), Options{}, []string{at, "not a tf.train.Example"}},
		"group":             {slices.Concat(good, recordBytes([]byte{0x0b})), Options{}, []string{at, "wire type 3"}},
		"endless varint":    {slices.Concat(good, recordBytes(bytes.Repeat([]byte{0xff}, 20))), Options{}, []string{at, "too long"}},
		"no image":          {with(textFeature("image", "x"), intFeature("label", 1)), Options{}, []string{"expected a feature image/encoded", "found the features image, label", "byte 0"}},
		"no label":          {with(textFeature("image/encoded", "x")), Options{}, []string{"expected a feature image/class/label with one integer"}},
		"label of text":     {with(textFeature("image/encoded", "x"), textFeature("image/class/label", "1")), Options{}, []string{"image/class/label with one integer"}},
		"negative label":    {with(textFeature("image/encoded", "x"), intFeature("image/class/label", 0)), Options{LabelOffset: 1}, []string{"label 0, less the offset 1: -1", "not negative", "byte 0"}},
		"label too high":    {slices.Concat(good, imageRecord(nil, 2, "", "", "")), Options{Classes: []string{"a", "b"}}, []string{"label 2", "from 0 to 1 for 2 classes", at, "label offset"}},
		"absurd label":      {with(textFeature("image/encoded", "x"), intFeature("image/class/label", 1<<40)), Options{}, []string{"label 1099511627776"}},
		"one class":         {with(textFeature("image/encoded", "x"), intFeature("image/class/label", 0)), Options{}, []string{"at least two classes"}},
	} {
		path := filetree.File(t, "x.tfrecord", c.data)
		_, err := Open(context.Background(), path, c.o)
		wanted.ErrorOf(t, name, err, append(c.want, path)...)
	}
	// Damage to the data is found when they are read.
	s := mustOpen(t, filetree.File(t, "x.tfrecord", flipped(len(good)-5)), Options{})
	if _, err := s.Read(0); err != nil {
		t.Error(err)
	}
	_, err := s.Read(1)
	wanted.ErrorOf(t, "data", err, "x.tfrecord", at, "have the checksum", "again")
}

func TestBadShards(t *testing.T) {
	open := func(remove string, o Options, files map[string]string) error {
		root, _ := shardSet(t)
		if remove != "" {
			if err := os.Remove(filepath.Join(root, remove)); err != nil {
				t.Fatal(err)
			}
		}
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(root, name), []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(context.Background(), root, o)
		return err
	}
	train := Options{Split: "train", LabelOffset: 1}
	wanted.ErrorOf(t, "no split", open("", Options{}, nil), "train, validation", "name the one")
	wanted.ErrorOf(t, "no such split", open("", Options{Split: "test"}, nil), `no split "test"`, "train, validation")
	wanted.ErrorOf(t, "missing shard", open("train-00000-of-00002", train, nil), "1 of the 2 shards of train", "number 00000", "copy or download")
	wanted.ErrorOf(t, "two totals", open("", train, map[string]string{"train-00000-of-00003": ""}), "by the names", "remove")
	wanted.ErrorOf(t, "shard twice", open("", train, map[string]string{"train-00001-of-00002.tfrecord": ""}), "3 of the 2 shards", "twice")
	wanted.ErrorOf(t, "bad labels", open("", train, map[string]string{labelsFiles()[0]: "0:background\n1:a\n1:b\n"}), "labels.txt", `expected a line "2:name"`, `"1:b"`, "label offset")
	wanted.ErrorOf(t, "few labels", open("", train, map[string]string{labelsFiles()[0]: "0:background\n1:a\n2:b\n"}), "label 3, less the offset 1: 2", "for 2 classes")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	root, _ := shardSet(t)
	if _, err := Open(ctx, root, train); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context returns %v", err)
	}
	empty := filepath.Join(t.TempDir(), "x.tfrecord")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), filepath.Dir(empty), Options{})
	wanted.ErrorOf(t, "no records", err, "no records")
}

// FuzzRecord feeds hostile records: an example lies within its record, or there is an
// error.
func FuzzRecord(f *testing.F) {
	f.Add(exampleBytes(looseFeature(featureLabel, 1), textFeature(featureImage, "x")))
	f.Add(exampleBytes(intFeature(featureLabel, 1), floatFeature("f"), textFeature(featureImage, "x"), textFeature(featureFilename, "name")))
	f.Add([]byte(strings.Repeat("\x0a\x05", 30)))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := &window{r: bytes.NewReader(data), size: int64(len(data))}
		e, err := readExample(w, span{0, w.size})
		if err == nil && (e.image.from < 0 || e.image.to < e.image.from || e.image.to > w.size) {
			t.Errorf("the image lies at %+v of %d bytes", e.image, w.size)
		}
	})
}
