package npz

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// alignment of the elements behind a header, as numpy has it.
const alignment = 64

// Write stores the tensors as float32, or as int8 those that have Int8s, and the metadata as arrays of text without axes,
// in a file at path as numpy.savez does. The arrays are sorted by name, the metadata
// first, so equal tensors and metadata give equal files. Memory holds the values of one
// tensor at a time. The file appears whole or not at all.
func Write(path string, metadata map[string]string, tensors []tensorfile.Tensor) error {
	sorted := tensorfile.Sorted(tensors)
	keys := slices.Sorted(maps.Keys(metadata))
	if err := check(path, metadata, keys, sorted); err != nil {
		return err
	}
	err := atomicfile.Write(path, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, key := range keys {
			text := toUTF32(metadata[key])
			if err := writeArray(z, key, fmt.Sprintf("<U%d", len(text)/4), nil, text); err != nil {
				return err
			}
		}
		err := tensorfile.EachBytes(sorted, func(t tensorfile.Tensor, data []byte) error {
			descr := "<f4"
			if t.Int8s != nil {
				descr = "|i1"
			}
			return writeArray(z, t.Name, descr, t.Shape, data)
		})
		if err != nil {
			return err
		}
		return z.Close()
	})
	if err != nil {
		return fmt.Errorf("npz: %s: writing: %w", path, err)
	}
	return nil
}

// check refuses what the format has no room for. The tensors and the keys are sorted.
func check(path string, metadata map[string]string, keys []string, sorted []tensorfile.Tensor) error {
	text := 0
	for _, key := range keys {
		c := complainer{path, key}
		value := metadata[key]
		if bad := badName(key); bad != "" {
			return c.mismatch("a name of words with slashes between them", bad, "rename the key")
		}
		if !utf8.ValidString(value) || strings.HasSuffix(value, "\x00") {
			return c.mismatch("text in UTF-8 that does not end in zeros", tensorfile.Quote(value), "encode it as text")
		}
		if text += 4 * utf8.RuneCountInString(value); text > textLimit {
			return c.mismatch(fmt.Sprintf("at most %d bytes of text in the file", textLimit), "more", "shorten it")
		}
	}
	for i, t := range sorted {
		c := complainer{path, t.Name}
		_, isKey := metadata[t.Name]
		_, ok := tensorfile.ByteLength(t.Shape, t.ElementSize())
		switch bad := badName(t.Name); {
		case bad != "":
			return c.mismatch("a name of words with slashes between them", bad, "rename the tensor")
		case i > 0 && sorted[i-1].Name == t.Name, isKey:
			return c.mismatch("each name once", "the name twice", "rename one of the tensors")
		case !ok || len(t.Shape) > rankLimit:
			return c.mismatch(fmt.Sprintf("at most %d dimensions of at least 0, and bytes that fit this machine's int", rankLimit), "shape "+tensorfile.ShapeText(t.Shape), "correct the shape")
		case t.Values == nil && t.Int8s == nil:
			return c.mismatch("a function Values", "nil", "set Tensor.Values")
		}
	}
	return nil
}

// Header returns what stands before the elements of an .npy file of version 1.0: rows first,
// of the given type as numpy spells it, such as "<f4". Headers of shapes of a few axes all
// have 128 bytes.
func Header(descr string, shape []int) []byte {
	var tuple strings.Builder
	for i, d := range shape {
		if i > 0 {
			tuple.WriteByte(' ')
		}
		fmt.Fprintf(&tuple, "%d,", d)
	}
	axes := tuple.String()
	if len(shape) > 1 {
		axes = strings.TrimSuffix(axes, ",")
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, axes)
	before := len(magic) + 4 // with the version and the length
	text += strings.Repeat(" ", alignment-1-(before+len(text))%alignment) + "\n"
	header := append([]byte(magic), 1, 0)
	header = binary.LittleEndian.AppendUint16(header, uint16(len(text)))
	return append(header, text...)
}

// writeArray adds an entry, uncompressed.
func writeArray(z *zip.Writer, name, descr string, shape []int, data []byte) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name + ending, Method: zip.Store})
	if err != nil {
		return fmt.Errorf("tensor %s: %w", tensorfile.Quote(name), err)
	}
	for _, part := range [][]byte{Header(descr, shape), data} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("tensor %s: expected room for %d bytes: %w; make room on the disk", tensorfile.Quote(name), len(part), err)
		}
	}
	return nil
}
