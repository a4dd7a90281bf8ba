package npz

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// textLimit bounds the bytes of all metadata of a file, which are in memory while it is
// open.
const textLimit = 64 << 20

// Recognise reports whether a file begins as a zip archive whose first entry is an array.
func Recognise(s tensorfile.Sample) bool {
	const local = "PK\x03\x04"
	const nameAt, lengthAt = 30, 26
	if len(s.Head) < nameAt || !strings.HasPrefix(string(s.Head), local) {
		return false
	}
	length := int(s.Head[lengthAt]) | int(s.Head[lengthAt+1])<<8
	return len(s.Head) >= nameAt+length && strings.HasSuffix(string(s.Head[nameAt:nameAt+length]), ending)
}

// archive is an open file.
type archive struct {
	name     string
	size     int64
	tensors  []tensorfile.Tensor
	metadata map[string]string
	close    func() error
}

func (a *archive) Tensors() []tensorfile.Tensor { return slices.Clone(a.tensors) }
func (a *archive) Metadata() map[string]string  { return maps.Clone(a.metadata) }
func (a *archive) Size() int64                  { return a.size }

func (a *archive) Close() error {
	if err := a.close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("npz: %s: closing: %w", a.name, err)
	}
	return nil
}

// Open opens the file at path and checks all but the elements of its arrays, which are
// read when they are asked for. The file must not be cut short or rewritten in place
// meanwhile; Write replaces files instead.
func Open(path string) (tensorfile.File, error) {
	opened, size, err := tensorfile.Open("npz", path)
	if err != nil {
		return nil, err
	}
	a, err := parse(path, opened, size)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	a.close = opened.Close
	return a, nil
}

// parse opens a file of size bytes; name stands for it in errors.
func parse(name string, r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are checked below
		return nil, notZip(name, r, size, err)
	}
	a := &archive{name: name, size: size, close: func() error { return nil }}
	seen := make(map[string]bool, len(z.File))
	text := 0
	for _, f := range z.File {
		c := complainer{name, f.Name}
		tensor, h, err := openEntry(f, size, c)
		if err != nil {
			return nil, err
		}
		if seen[tensor.Name] {
			return nil, c.mismatch("each name once", "the name twice", "rename one of the arrays")
		}
		seen[tensor.Name] = true
		if !h.dtype.isText() || len(h.shape) > 0 {
			a.tensors = append(a.tensors, tensor)
			continue
		}
		if text += h.dtype.size; text > textLimit {
			return nil, c.mismatch(fmt.Sprintf("at most %d bytes of text in the file", textLimit), "more", "shorten it")
		}
		value, err := readText(f, h, c)
		if err != nil {
			return nil, err
		}
		if a.metadata == nil {
			a.metadata = map[string]string{}
		}
		a.metadata[tensor.Name] = value
	}
	return a, nil
}

// notZip says what a file is that is no archive.
func notZip(name string, r io.ReaderAt, size int64, err error) error {
	begin := make([]byte, len(magic))
	n, _ := r.ReadAt(begin, 0)
	found, advice := fmt.Sprintf("none in %d bytes that begin with %q (%s)", size, begin[:n], strings.TrimPrefix(err.Error(), "zip: ")), "the file may be cut short: "+copyAgain
	switch {
	case size == 0:
		found = "an empty file"
	case string(begin[:n]) == magic:
		found, advice = "a single array, a .npy file", saveAgain
	}
	return complainer{file: name}.mismatch("a zip archive of arrays", found, advice)
}

// openEntry checks an entry of a file of size bytes, and reads its header.
func openEntry(f *zip.File, size int64, c complainer) (tensorfile.Tensor, header, error) {
	var none tensorfile.Tensor
	fail := func(expected, found, advice string) (tensorfile.Tensor, header, error) {
		return none, header{}, c.mismatch(expected, found, advice)
	}
	name, ok := strings.CutSuffix(f.Name, ending)
	if !ok {
		return fail("an array, whose entry ends in "+ending, "another entry", "take it out of the archive, or "+saveAgain)
	}
	if bad := badName(name); bad != "" {
		return fail("a name of words with slashes between them", bad, "rename the array")
	}
	const encrypted = 1
	switch {
	case f.Flags&encrypted != 0:
		return fail("an entry that is not encrypted", "an encrypted one", saveAgain)
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return fail("an entry that is stored or deflated", fmt.Sprintf("compression method %d", f.Method), "save the arrays again with numpy.savez or numpy.savez_compressed")
	case f.Method == zip.Store && f.CompressedSize64 != f.UncompressedSize64:
		return fail("as many bytes stored as there are", fmt.Sprintf("%d bytes stored for %d", f.CompressedSize64, f.UncompressedSize64), copyAgain)
	}
	offset, err := f.DataOffset()
	if err != nil || offset > size || uint64(size-offset) < f.CompressedSize64 {
		return fail(fmt.Sprintf("%d bytes in the file", f.CompressedSize64), "fewer, or no entry where the archive says that it is", "the file is cut short: "+copyAgain)
	}
	r, err := f.Open()
	if err != nil {
		return fail("an entry that can be unpacked", err.Error(), copyAgain)
	}
	defer r.Close()
	h, err := readHeader(r, c)
	if err != nil {
		return none, h, err
	}
	length, ok := tensorfile.ByteLength(h.shape, max(h.dtype.size, 1))
	if h.dtype.size == 0 {
		length = 0
	}
	if !ok {
		return fail("a shape whose bytes fit this machine's int", fmt.Sprintf("shape %s of %s", tensorfile.ShapeText(h.shape), h.dtype.descr), saveAgain)
	}
	if f.UncompressedSize64 < uint64(h.length) || f.UncompressedSize64-uint64(h.length) != uint64(length) {
		return fail(fmt.Sprintf("%d bytes for shape %s of %s after a header of %d", length, tensorfile.ShapeText(h.shape), h.dtype.descr, h.length),
			fmt.Sprintf("an entry of %d bytes", f.UncompressedSize64), copyAgain)
	}
	tensor := tensorfile.Tensor{Name: name, DType: h.dtype.descr, Shape: h.shape, Values: func(dst []float32) error {
		return readValues(f, h, dst, c)
	}}
	if h.dtype.kind == 'i' && h.dtype.size == 1 && !h.fortran {
		tensor.Int8s = func(dst []int8) error { return readInt8s(f, h, dst, c) }
	}
	return tensor, h, nil
}

// readText reads an array of no axes that holds a string.
func readText(f *zip.File, h header, c complainer) (string, error) {
	data := make([]byte, h.dtype.size)
	if err := readElements(f, h, c, func(r io.Reader) error {
		_, err := io.ReadFull(r, data)
		return err
	}); err != nil {
		return "", err
	}
	if h.dtype.kind == 'S' {
		text := strings.TrimRight(string(data), "\x00")
		if !utf8.ValidString(text) {
			return "", c.mismatch("text in UTF-8", "bytes that are not", saveAgain)
		}
		return text, nil
	}
	h.dtype.littleEndian(data)
	text, ok := fromUTF32(data)
	if !ok {
		return "", c.mismatch("characters of Unicode", "a number that is none", saveAgain)
	}
	return text, nil
}
