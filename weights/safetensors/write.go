package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Write stores the tensors as F32, or as I8 those that have Int8s, in a file at path. The tensors lie sorted by
// name, so equal tensors and metadata give equal files. Memory holds the values
// of one tensor at a time.
//
// The file appears whole or not at all: it is written beside path, synced and
// renamed over it, so on an error the old file is as it was. The one exception
// is an error that says so: the new file stands, but a power failure may
// still undo it. Duplicate or invalid names and shapes are errors before
// anything is written.
func Write(path string, metadata map[string]string, tensors []tensorfile.Tensor) error {
	sorted := tensorfile.Sorted(tensors)
	if err := checkTensors(path, metadata, sorted); err != nil {
		return err
	}
	header, err := encodeHeader(path, metadata, sorted)
	if err != nil {
		return err
	}
	err = atomicfile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return noRoom("header", len(header), err)
		}
		return writeValues(w, sorted)
	})
	if err != nil {
		return fmt.Errorf("safetensors: %s: writing: %w", path, err)
	}
	return nil
}

// checkTensors checks tensors sorted by name.
func checkTensors(path string, metadata map[string]string, sorted []tensorfile.Tensor) error {
	for k, v := range metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return mismatch(path, "", "metadata in UTF-8", tensorfile.Quote(k)+": "+tensorfile.Quote(v), "encode it as text")
		}
	}
	total := 0
	for i, t := range sorted {
		fail := func(expected, found, advice string) error {
			return mismatch(path, t.Name, expected, found, advice)
		}
		switch n, ok := tensorfile.ByteLength(t.Shape, t.ElementSize()); {
		case t.Name == metadataKey:
			return fail("a name for a tensor", "the name that the format reserves for metadata", "rename the tensor")
		case !utf8.ValidString(t.Name):
			return fail("a name in UTF-8", "bytes that are not", "rename the tensor")
		case i > 0 && sorted[i-1].Name == t.Name:
			return fail("each name once", "the name twice", "rename one of the tensors")
		case !ok || total+n < total:
			return fail("dimensions of at least 0 and bytes that fit this machine's int", "shape "+tensorfile.ShapeText(t.Shape), "correct the shape")
		case t.Values == nil && t.Int8s == nil:
			return fail("a function Values", "nil", "set Values")
		default:
			total += n
		}
	}
	return nil
}

// encodeHeader returns the header length and the header, padded with spaces so
// that the data section begins at a multiple of eight bytes.
func encodeHeader(path string, metadata map[string]string, sorted []tensorfile.Tensor) ([]byte, error) {
	header := make([]byte, lengthBytes) // the length, filled in last
	header = append(header, '{')
	if len(metadata) > 0 {
		header = append(appendJSON(header, metadataKey), ":{"...)
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				header = append(header, ',')
			}
			header = appendJSON(append(appendJSON(header, k), ':'), metadata[k])
		}
		header = append(header, '}')
	}
	begin := 0
	for i, t := range sorted {
		if i > 0 || len(metadata) > 0 {
			header = append(header, ',')
		}
		n, _ := tensorfile.ByteLength(t.Shape, t.ElementSize())
		dtype := F32
		if t.Int8s != nil {
			dtype = I8
		}
		header = fmt.Appendf(appendJSON(header, t.Name), `:{"dtype":"%s","shape":[`, dtype)
		for j, d := range t.Shape {
			if j > 0 {
				header = append(header, ',')
			}
			header = fmt.Append(header, d)
		}
		header = fmt.Appendf(header, `],"data_offsets":[%d,%d]}`, begin, begin+n)
		begin += n
	}
	header = append(header, '}')
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	n := len(header) - lengthBytes
	if n > headerLimit {
		return nil, mismatch(path, "", fmt.Sprintf("a header of at most %d bytes", headerLimit),
			fmt.Sprintf("%d bytes of names and metadata", n), "shorten them")
	}
	binary.LittleEndian.PutUint64(header, uint64(n))
	return header, nil
}

// appendJSON appends s as a JSON string.
func appendJSON(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, quoted...)
}

func writeValues(w io.Writer, sorted []tensorfile.Tensor) error {
	return tensorfile.EachBytes(sorted, func(t tensorfile.Tensor, data []byte) error {
		if _, err := w.Write(data); err != nil {
			return noRoom("tensor "+tensorfile.Quote(t.Name), len(data), err)
		}
		return nil
	})
}

func noRoom(what string, bytes int, err error) error {
	return fmt.Errorf("%s: expected room for %d bytes: %w; make room on the disk", what, bytes, err)
}
