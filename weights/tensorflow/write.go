package tensorflow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Written returns the files of the checkpoint that Write writes at path: the index and the
// only shard.
func Written(path string) []string {
	index := strings.TrimSuffix(path, IndexEnding) + IndexEnding
	return []string{index, dataName(index, 0, 1)}
}

// Write stores the tensors as float32, and the metadata as strings without axes, as a
// checkpoint of version 2: an index, and one shard with the bytes. path is the index, or
// what TensorFlow calls the checkpoint: the index without its ending. Equal tensors and
// metadata give equal files. Memory holds the values of one tensor at a time.
//
// Each file appears whole or not at all, the index last, so that no index is without its
// tensors. Where a checkpoint is replaced and the process is killed between the two, the
// checksums of the old index tell.
func Write(path string, metadata map[string]string, tensors []tensorfile.Tensor) error {
	files := Written(path)
	index, data := files[0], files[1]
	c := complainer{bundleFormat, path}
	if path != index {
		// A reader that is given the name would take this for the checkpoint.
		if _, err := os.Lstat(path); err == nil {
			return c.mismatch("", "nothing called "+path+", as the checkpoint's files are "+index+" and "+data, "a file or folder", "give another name, or take it away")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", bundleFormat, err)
		}
	}
	all, err := entriesOf(c, metadata, tensors)
	if err != nil {
		return err
	}
	err = atomicfile.Write(index, func(to io.Writer) error {
		return atomicfile.Write(data, func(w io.Writer) error {
			if err := writeData(w, all); err != nil {
				return err
			}
			// Now that the checksums are known; so nothing but the renaming of the index comes
			// behind that of the data.
			return put(to, encodeIndex(all))
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %s: writing: %w", bundleFormat, path, err)
	}
	return nil
}

// A writtenEntry is an entry of an index, with what it is of.
type writtenEntry struct {
	entry
	name   string
	text   []byte // of metadata, as the shard has it
	tensor tensorfile.Tensor
}

// entriesOf returns the entries in the order of their names, which is that of the index,
// with the places of their bytes, and refuses what the format has no room for.
func entriesOf(c complainer, metadata map[string]string, tensors []tensorfile.Tensor) ([]writtenEntry, error) {
	var all []writtenEntry
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		text, sum := encodeString(metadata[key])
		all = append(all, writtenEntry{entry{dtype: stringType, size: int64(len(text)), sum: sum}, key, text, tensorfile.Tensor{}})
	}
	for _, t := range tensors {
		n, ok := tensorfile.ByteLength(t.Shape, float32Type.size())
		switch {
		case !ok || len(t.Shape) > rankLimit:
			return nil, c.mismatch(t.Name, fmt.Sprintf("at most %d dimensions of at least 0, and bytes that fit this machine's int", rankLimit), "shape "+tensorfile.ShapeText(t.Shape), "correct the shape")
		case t.Int8s != nil:
			return nil, c.mismatch(t.Name, "values of float32", "8-bit integers", "write what was quantised instead")
		case t.Values == nil:
			return nil, c.mismatch(t.Name, "a function Values", "nil", "set Tensor.Values")
		}
		all = append(all, writtenEntry{entry{dtype: float32Type, shape: t.Shape, size: int64(n)}, t.Name, nil, t})
	}
	slices.SortStableFunc(all, func(a, b writtenEntry) int { return strings.Compare(a.name, b.name) })
	var offset int64
	for i := range all {
		switch name := all[i].name; {
		case name == "" || len(name) > keyLimit:
			return nil, c.mismatch(name, fmt.Sprintf("a name of 1 to %d bytes", keyLimit), fmt.Sprintf("one of %d", len(name)), "rename the tensor")
		case i > 0 && all[i-1].name == name:
			return nil, c.mismatch(name, "each name once", "the name twice", "rename one of the tensors")
		}
		all[i].offset = offset
		offset += all[i].size
	}
	return all, nil
}

// encodeString returns a tensor of one string as a shard has it: its length, the checksum of
// that, and its bytes; and the checksum of the entry, which counts the length as 32 bits.
func encodeString(text string) (data []byte, sum uint32) {
	const widest = 1<<32 - 1
	length := uint64(len(text))
	var wide []byte
	if length <= widest {
		wide = binary.LittleEndian.AppendUint32(nil, uint32(length))
	} else {
		wide = binary.LittleEndian.AppendUint64(nil, length)
	}
	crc := crc32.Checksum(wide, castagnoli)
	ofLength := binary.LittleEndian.AppendUint32(nil, masked(crc))
	crc = crc32.Update(crc, castagnoli, ofLength)
	crc = crc32.Update(crc, castagnoli, []byte(text))
	data = append(binary.AppendUvarint(nil, length), ofLength...)
	return append(data, text...), masked(crc)
}

// writeData writes a shard, and notes the checksums of the tensors.
func writeData(w io.Writer, all []writtenEntry) error {
	var numbers []tensorfile.Tensor
	for _, e := range all {
		if e.dtype != stringType {
			numbers = append(numbers, e.tensor)
		}
	}
	next := 0
	texts := func() error {
		for ; next < len(all) && all[next].dtype == stringType; next++ {
			if err := put(w, all[next].text); err != nil {
				return err
			}
		}
		return nil
	}
	if err := texts(); err != nil {
		return err
	}
	return tensorfile.EachBytes(numbers, func(_ tensorfile.Tensor, data []byte) error {
		all[next].sum = masked(crc32.Checksum(data, castagnoli))
		next++
		if err := put(w, data); err != nil {
			return err
		}
		return texts()
	})
}

func put(w io.Writer, data []byte) error {
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("expected room for %d bytes: %w; make room on the disk", len(data), err)
	}
	return nil
}

// encodeIndex returns the table of the header and the entries.
func encodeIndex(all []writtenEntry) []byte {
	const shards, producer = 1, 1
	header := appendNumber(nil, 1, shards)
	header = wire.AppendBytes(header, 3, appendNumber(nil, 1, producer))
	t := newTableWriter()
	t.add("", header)
	for _, e := range all {
		t.add(e.name, e.encode())
	}
	return t.finish()
}

// encode returns the BundleEntryProto.
func (e entry) encode() []byte {
	var shape []byte
	for _, n := range e.shape {
		shape = wire.AppendBytes(shape, 2, appendNumber(nil, 1, uint64(n)))
	}
	m := appendNumber(nil, 1, uint64(e.dtype))
	m = wire.AppendBytes(m, 2, shape)
	m = appendNumber(m, 4, uint64(e.offset))
	m = appendNumber(m, 5, uint64(e.size))
	return protowire.AppendFixed32(protowire.AppendTag(m, 6, protowire.Fixed32Type), e.sum)
}

// appendNumber appends a number that is not zero, which is what no field means.
func appendNumber(m []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return m
	}
	return wire.AppendNumber(m, field, v)
}
