package pytorch

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// EntryKey is the key of the metadata under which the file says which entry of a
// checkpoint its tensors are from.
const EntryKey = "entry"

// Recognise reports whether a file begins as torch.save writes: with the magic number of
// the old stream, or as a zip archive whose first entry is a pickle.
func Recognise(s tensorfile.Sample) bool {
	head := string(s.Head)
	return isLegacy(head) || strings.HasPrefix(head, "PK\x03\x04") && strings.Contains(firstName(head), "data.pkl") ||
		strings.HasPrefix(head, "PK\x03\x04") && (strings.HasSuffix(firstName(head), "/version") || strings.HasSuffix(firstName(head), "/.format_version"))
}

// firstName is the name of a zip archive's first entry.
func firstName(head string) string {
	const nameAt, lengthAt = 30, 26
	if len(head) < nameAt {
		return ""
	}
	length := int(head[lengthAt]) | int(head[lengthAt+1])<<8
	return head[nameAt:min(len(head), nameAt+length)]
}

// file is an open file.
type file struct {
	name     string
	size     int64
	tensors  []tensorfile.Tensor
	metadata map[string]string
	close    func() error
}

func (f *file) Tensors() []tensorfile.Tensor { return slices.Clone(f.tensors) }
func (f *file) Metadata() map[string]string  { return maps.Clone(f.metadata) }
func (f *file) Size() int64                  { return f.size }

func (f *file) Close() error {
	if err := f.close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("pytorch: %s: closing: %w", f.name, err)
	}
	return nil
}

// Open opens the file at path, runs its pickle and checks that every tensor lies in its
// storage. The file must not be cut short or rewritten in place while it is open.
func Open(path string) (tensorfile.File, error) {
	opened, size, err := tensorfile.Open("pytorch", path)
	if err != nil {
		return nil, err
	}
	f, err := parse(path, opened, size)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	f.close = opened.Close
	return f, nil
}

// A source is what reads the elements of storages.
type source interface {
	// read fills data with the bytes of a storage from one on.
	read(s *storage, from int64, data []byte) error
	// bigEndian reports the order of the bytes of elements.
	bigEndian() bool
}

// parse opens a file of size bytes; name stands for it in errors.
func parse(name string, r io.ReaderAt, size int64) (*file, error) {
	c := complainer{name}
	head := make([]byte, min(int64(len(legacyMagic)), size))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("pytorch: %s: reading: %w", name, err)
	}
	open := openArchive
	switch {
	case isLegacy(string(head)):
		open = openStream
	case len(head) == 0:
		return nil, c.mismatch("", "a file that torch.save wrote", "an empty file", copyAgain)
	case !strings.HasPrefix(string(head), "PK"):
		found := fmt.Sprintf("one that begins with %q", head)
		if head[0] == 0x80 {
			found = "a pickle without PyTorch's magic number, as Python's own pickle writes it"
		}
		return nil, c.mismatch("", "a file that torch.save wrote, a zip archive or a stream of pickles", found, saveAgain)
	}
	root, from, err := open(c, r, size)
	if err != nil {
		return nil, err
	}
	tensors, entry, err := stateOf(root, c)
	if err != nil {
		return nil, err
	}
	f := &file{name: name, size: size, metadata: facts(root), close: func() error { return nil }}
	if entry != "" {
		if f.metadata == nil {
			f.metadata = map[string]string{}
		}
		f.metadata[EntryKey] = entry
	}
	for _, t := range tensors {
		if t.tensor.storage.dtype == "" && t.tensor.dtype == "" {
			return nil, c.mismatch(t.name, "a tensor with a type", "one of bytes", saveAgain)
		}
		f.tensors = append(f.tensors, tensorfile.Tensor{Name: t.name, DType: t.tensor.dtype, Shape: t.tensor.shape, Values: func(dst []float32) error {
			return t.read(c, from, dst)
		}})
	}
	return f, nil
}

// read fills dst in row-major order.
func (n named) read(c complainer, from source, dst []float32) error {
	t := n.tensor
	convert := converter(t.dtype)
	if convert == nil {
		return tensorfile.UnreadType(c.mismatch(n.name, "elements of float16, bfloat16, float32 or float64", "elements of "+t.dtype, "save the tensor as float32"))
	}
	count, _ := tensorfile.Elements(t.shape)
	if len(dst) != count {
		return c.mismatch(n.name, fmt.Sprintf("room for %d values of shape %s", count, tensorfile.ShapeText(t.shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
	}
	if count == 0 {
		return nil
	}
	size := int64(sizeOf(t.dtype))
	end, _ := t.end()
	span := end - t.offset // elements
	at := (t.storage.from + t.offset) * size
	fail := func(err error) error {
		if short := (*tensorfile.Mismatch)(nil); errors.As(err, &short) {
			short.Tensor = n.name
			return short
		}
		return fmt.Errorf("pytorch: %s: tensor %s: reading: %w", c.file, tensorfile.Quote(n.name), err)
	}
	if t.contiguous() && t.dtype == "float32" && !from.bigEndian() {
		if err := from.read(t.storage, at, tensorfile.BytesOf(dst)); err != nil {
			return fail(err)
		}
		tensorfile.SwapIfBigEndian(dst)
		return nil
	}
	data := make([]byte, span*size)
	if err := from.read(t.storage, at, data); err != nil {
		return fail(err)
	}
	if from.bigEndian() {
		for i := int64(0); i < int64(len(data)); i += size {
			slices.Reverse(data[i : i+size])
		}
	}
	if t.contiguous() {
		convert(dst, data)
		return nil
	}
	elements := make([]float32, span)
	convert(elements, data)
	t.gather(dst, elements)
	return nil
}
