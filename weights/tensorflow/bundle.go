package tensorflow

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

const bundleFormat = "tensorflow checkpoint"

// IndexEnding is the ending of the index of a checkpoint of version 2.
const IndexEnding = ".index"

// An entry of an index says where a tensor is: bytes of a shard, or slices with entries of
// their own.
type entry struct {
	dtype        dtype
	shape        []int
	shard        int
	offset, size int64
	sum          uint32
	slices       [][]byte
}

func entryOf(message []byte) (e entry, err error) {
	e.shape = []int{}
	err = wire.Each(message, func(f wire.Field) (err error) {
		switch f.Number {
		case 1:
			e.dtype = dtype(f.Bits)
		case 2:
			e.shape, err = shapeOf(f.Data)
		case 3:
			e.shard = int(int32(f.Bits))
		case 4:
			e.offset = int64(f.Bits)
		case 5:
			e.size = int64(f.Bits)
		case 6:
			e.sum = uint32(f.Bits)
		case 7:
			e.slices = append(e.slices, slices.Clone(f.Data))
		}
		return err
	})
	return e, err
}

// A bundle is an open checkpoint of version 2.
type bundle struct {
	complainer
	entries map[string]entry
	shards  []shard
	tensors []tensorfile.Tensor
	texts   map[string]string
	size    int64
	close   func() error
	parts   []string
}

// A shard has the bytes of tensors.
type shard struct {
	name string
	file io.ReaderAt
	size int64
}

func (b *bundle) Tensors() []tensorfile.Tensor { return slices.Clone(b.tensors) }
func (b *bundle) Metadata() map[string]string  { return maps.Clone(b.texts) }
func (b *bundle) Size() int64                  { return b.size }
func (b *bundle) Parts() []string              { return slices.Clone(b.parts) }
func (b *bundle) Close() error                 { return b.close() }

// dataName is the name of a shard of the checkpoint with the given index.
func dataName(index string, shard, shards int) string {
	return fmt.Sprintf("%s.data-%05d-of-%05d", strings.TrimSuffix(index, IndexEnding), shard, shards)
}

// openBundle opens a checkpoint by its index.
func openBundle(index string, open func(name string) (io.ReaderAt, int64, error)) (*bundle, error) {
	file, size, err := open(index)
	if err != nil {
		return nil, err
	}
	b := &bundle{complainer: complainer{bundleFormat, index}, size: size}
	if err := b.readIndex(&table{b.complainer, file, size}); err != nil {
		return nil, err
	}
	for i := range b.shards {
		name := dataName(index, i, len(b.shards))
		file, size, err := open(name)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, b.mismatch("", "the file "+name+" beside it", "none", "put all files of the checkpoint into one folder")
		case err != nil:
			return nil, err
		}
		b.shards[i] = shard{name, file, size}
		b.size += size
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	return b, b.readTexts()
}

func (b *bundle) readIndex(t *table) error {
	b.entries = map[string]entry{}
	header := false
	err := t.each(func(key, value []byte, _ int64) error {
		if len(key) == 0 {
			header = true
			return b.readHeader(value)
		}
		e, err := entryOf(value)
		if err != nil {
			return b.mismatch(string(key), "an entry of a checkpoint's index", err.Error(), copyAgain)
		}
		if _, ok := b.entries[string(key)]; ok {
			return b.mismatch(string(key), "each name once", "the name twice", saveAgain)
		}
		b.entries[string(key)] = e
		return nil
	})
	if err == nil && !header {
		err = b.mismatch("", "an index that begins with a header, under the empty key", "none", "it may be a checkpoint of version 1, which has no ending "+IndexEnding+", or "+copyAgain)
	}
	return err
}

// shardLimit bounds the files of a checkpoint: their names have five digits.
const shardLimit = 99_999

func (b *bundle) readHeader(message []byte) error {
	shards, big := 0, false
	err := wire.Each(message, func(f wire.Field) error {
		switch f.Number {
		case 1:
			shards = int(int32(f.Bits))
		case 2:
			big = f.Bits != 0
		}
		return nil
	})
	switch {
	case err != nil:
		return b.mismatch("", "a header", err.Error(), copyAgain)
	case big:
		return b.mismatch("", "tensors in little-endian order", "big-endian ones", saveAgain+" on a little-endian machine")
	case shards < 1 || shards > shardLimit:
		return b.mismatch("", fmt.Sprintf("1 to %d shards", shardLimit), fmt.Sprint(shards), copyAgain)
	}
	b.shards = make([]shard, shards)
	return nil
}

// check goes through all entries and makes the tensors.
func (b *bundle) check() error {
	parts := map[string]bool{}
	for name, e := range b.entries {
		for _, message := range e.slices {
			s, err := sliceOf(message, e.shape)
			if err != nil {
				return b.mismatch(name, "a slice of "+tensorfile.ShapeText(e.shape), err.Error(), copyAgain)
			}
			key := sliceKey(name, s)
			part, ok := b.entries[key]
			if !ok {
				return b.mismatch(name, fmt.Sprintf("the slice from %v of %v", s.start, s.length), "none in the index", copyAgain)
			}
			if !slices.Equal(part.shape, s.length) || part.dtype != e.dtype || len(part.slices) > 0 {
				return b.mismatch(name, fmt.Sprintf("a slice of shape %v", s.length), fmt.Sprintf("%s of %s", tensorfile.ShapeText(part.shape), part.dtype), copyAgain)
			}
			parts[key] = true
		}
	}
	for name, e := range b.entries {
		if size := e.dtype.size(); len(e.slices) == 0 && size > 0 {
			want, ok := tensorfile.ByteLength(e.shape, size)
			if !ok || int64(want) != e.size {
				return b.mismatch(name, fmt.Sprintf("%d bytes for shape %s of %s", want, tensorfile.ShapeText(e.shape), e.dtype), fmt.Sprint(e.size), copyAgain)
			}
		}
		if len(e.slices) > 0 {
			continue
		}
		if e.shard < 0 || e.shard >= len(b.shards) {
			return b.mismatch(name, fmt.Sprintf("one of %d shards", len(b.shards)), fmt.Sprintf("shard %d", e.shard), copyAgain)
		}
		if at := b.shards[e.shard]; e.offset < 0 || e.size < 0 || e.offset > at.size || e.size > at.size-e.offset {
			return b.mismatch(name, fmt.Sprintf("%d bytes from %d on in %s", e.size, e.offset, at.name), fmt.Sprintf("a file of %d bytes", at.size), "the file is cut short: "+copyAgain)
		}
	}
	for name, e := range b.entries {
		if parts[name] || e.dtype == stringType {
			continue // strings are TensorFlow's own: the graph of the objects that were saved
		}
		if err := b.whole(name, e); err != nil {
			return err
		}
		b.tensors = append(b.tensors, tensorfile.Tensor{Name: name, DType: e.dtype.String(), Shape: e.shape, Values: func(dst []float32) error {
			return b.values(name, e, dst)
		}})
	}
	b.tensors = tensorfile.Sorted(b.tensors)
	return nil
}

// whole checks that the slices of a tensor, where it has any, make it up.
func (b *bundle) whole(name string, e entry) error {
	if len(e.slices) == 0 {
		return nil
	}
	var parts []slice
	total := 0
	for _, message := range e.slices {
		s, err := sliceOf(message, e.shape)
		if err != nil {
			return b.mismatch(name, "a slice of "+tensorfile.ShapeText(e.shape), err.Error(), copyAgain)
		}
		parts = append(parts, s)
		total += s.elements()
	}
	if n := (slice{length: e.shape}).elements(); total != n || !disjoint(parts) {
		return b.mismatch(name, fmt.Sprintf("at most %d slices that make up the tensor's %d elements", sliceLimit, n), fmt.Sprintf("%d of %d elements", len(parts), total), copyAgain)
	}
	return nil
}

// values fills dst with a tensor that is whole or in slices.
func (b *bundle) values(name string, e entry, dst []float32) error {
	if n := (slice{length: e.shape}).elements(); len(dst) != n {
		return b.mismatch(name, fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(e.shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
	}
	if len(e.slices) == 0 {
		return b.read(name, e, dst)
	}
	for _, message := range e.slices {
		s, err := sliceOf(message, e.shape)
		if err != nil {
			return err
		}
		values := make([]float32, s.elements())
		if err := b.read(name, b.entries[sliceKey(name, s)], values); err != nil {
			return err
		}
		s.place(dst, e.shape, values)
	}
	return nil
}

// read fills dst with the bytes of an entry, and compares their checksum.
func (b *bundle) read(name string, e entry, dst []float32) error {
	convert := e.dtype.converter()
	if convert == nil {
		return tensorfile.UnreadType(b.mismatch(name, "elements of float32, float64, float16 or bfloat16", "elements of "+e.dtype.String(), "save the variable as float32"))
	}
	from := b.shards[e.shard]
	data := tensorfile.BytesOf(dst)
	if e.dtype != float32Type {
		data = make([]byte, e.size)
	}
	if n, err := from.file.ReadAt(data, e.offset); n < len(data) {
		if errors.Is(err, io.EOF) {
			return b.mismatch(name, fmt.Sprintf("%d bytes from %d on in %s", e.size, e.offset, from.name), "the end of the file", "the file is cut short: "+copyAgain)
		}
		return fmt.Errorf("%s: %s: reading: %w", b.format, from.name, err)
	}
	if masked(crc32.Checksum(data, castagnoli)) != e.sum {
		return b.mismatch(name, "the checksum of the index", "another: the bytes in "+from.name+" have changed", copyAgain)
	}
	if e.dtype == float32Type {
		tensorfile.SwapIfBigEndian(dst)
		return nil
	}
	convert(dst, data)
	return nil
}
