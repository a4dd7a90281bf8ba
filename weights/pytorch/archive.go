package pytorch

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// pickleLimit bounds the bytes of an archive's pickle, which are read before anything is
// known of the tensors: the names and sizes of a hundred thousand.
const pickleLimit = 64 << 20

// An archive is a zip file of a pickle and one entry a storage.
type archive struct {
	complainer
	file io.ReaderAt
	size int64
	root string // the folder of all entries, with a slash behind it
	zip  map[string]*zip.File
	big  bool
}

func (a *archive) bigEndian() bool { return a.big }

// openArchive runs the pickle of an archive.
func openArchive(c complainer, r io.ReaderAt, size int64) (any, source, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are keys only
		return nil, nil, c.mismatch("", "a whole zip archive", strings.TrimPrefix(err.Error(), "zip: "), "the file may be cut short: "+copyAgain)
	}
	a := &archive{complainer: c, file: r, size: size, zip: map[string]*zip.File{}}
	var pickle *zip.File
	for _, f := range z.File {
		a.zip[f.Name] = f
		if root, ok := strings.CutSuffix(f.Name, "data.pkl"); ok && (root == "" || strings.HasSuffix(root, "/")) {
			if pickle != nil {
				return nil, nil, c.mismatch("", "an archive with one data.pkl", "two", saveAgain)
			}
			pickle, a.root = f, root
		}
	}
	if pickle == nil {
		return nil, nil, c.mismatch("", "an archive with a data.pkl, as torch.save writes", "none", saveAgain)
	}
	if a.zip[a.root+"constants.pkl"] != nil {
		return nil, nil, c.mismatch("", "weights that torch.save wrote", "a program of TorchScript (torch.jit.save)", "load it with torch.jit.load and "+saveAgain)
	}
	if order := a.zip[a.root+"byteorder"]; order != nil {
		text, err := a.content(order, 16)
		if err != nil {
			return nil, nil, err
		}
		if a.big = string(text) == "big"; !a.big && string(text) != "little" {
			return nil, nil, c.mismatch("", "little or big as byte order", tensorfile.Quote(string(text)), saveAgain)
		}
	}
	if pickle.UncompressedSize64 > pickleLimit {
		return nil, nil, c.mismatch("", fmt.Sprintf("a pickle of at most %d bytes", pickleLimit), fmt.Sprintf("one of %d", pickle.UncompressedSize64), saveAgain)
	}
	in, err := a.open(pickle)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	root, err := newMachine(c, in, int64(pickle.UncompressedSize64), a.load).run()
	if err == nil {
		// The checksum is compared where the entry ends.
		_, err = io.Copy(io.Discard, in)
		err = a.unpacking(pickle, err)
	}
	return root, a, err
}

func (a *archive) open(f *zip.File) (io.ReadCloser, error) {
	const encrypted = 1
	if f.Flags&encrypted != 0 || f.Method != zip.Store && f.Method != zip.Deflate {
		return nil, a.mismatch("", "entries that are stored or deflated", fmt.Sprintf("%s with compression method %d", tensorfile.Quote(f.Name), f.Method), saveAgain)
	}
	in, err := f.Open()
	if err != nil {
		return nil, a.unpacking(f, err)
	}
	return in, nil
}

func (a *archive) unpacking(f *zip.File, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, zip.ErrChecksum):
		return a.mismatch("", "the checksum of the archive for "+tensorfile.Quote(f.Name), "another: the bytes have changed", copyAgain)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, zip.ErrFormat):
		return a.mismatch("", fmt.Sprintf("%d bytes of %s", f.UncompressedSize64, tensorfile.Quote(f.Name)), "fewer", "the file is cut short: "+copyAgain)
	}
	return fmt.Errorf("pytorch: %s: unpacking %s: %w", a.complainer.file, tensorfile.Quote(f.Name), err)
}

func (a *archive) content(f *zip.File, most int64) ([]byte, error) {
	in, err := a.open(f)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, most))
	return data, a.unpacking(f, err)
}

// load makes the storage of a persistent id: ("storage", type, key, place, elements).
func (a *archive) load(m *machine, id any) (any, error) {
	s, _, err := m.storage(id)
	if err != nil {
		return nil, err
	}
	f := a.zip[a.root+"data/"+s.key]
	if f == nil {
		return nil, m.mismatch("", "an entry "+tensorfile.Quote(a.root+"data/"+s.key)+" for a storage", "none in the archive", "the file is incomplete: "+copyAgain)
	}
	if have := f.UncompressedSize64; uint64(s.elements) > have || uint64(s.elements)*uint64(max(1, sizeOf(s.dtype))) > have {
		return nil, m.mismatch("", fmt.Sprintf("%d elements in %s", s.elements, tensorfile.Quote(f.Name)), fmt.Sprintf("%d bytes", have), copyAgain)
	}
	if offset, err := f.DataOffset(); err != nil || offset > a.size || uint64(a.size-offset) < f.CompressedSize64 ||
		f.Method == zip.Store && f.CompressedSize64 != f.UncompressedSize64 {
		return nil, m.mismatch("", fmt.Sprintf("%d bytes of %s in the file", f.CompressedSize64, tensorfile.Quote(f.Name)), "fewer", "the file is cut short: "+copyAgain)
	}
	return s, nil
}

// read reads a whole storage through its checksum, and a part of one without it.
func (a *archive) read(s *storage, from int64, data []byte) error {
	f := a.zip[a.root+"data/"+s.key]
	whole := from == 0 && uint64(len(data)) == f.UncompressedSize64
	if f.Method == zip.Store {
		offset, err := f.DataOffset()
		if err != nil {
			return a.unpacking(f, err)
		}
		if n, err := a.file.ReadAt(data, offset+from); n < len(data) {
			return a.unpacking(f, err)
		}
		if whole && f.CRC32 != 0 && crc32.ChecksumIEEE(data) != f.CRC32 {
			return a.unpacking(f, zip.ErrChecksum)
		}
		return nil
	}
	in, err := a.open(f)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err = io.CopyN(io.Discard, in, from); err == nil {
		if _, err = io.ReadFull(in, data); err == nil && whole {
			_, err = io.Copy(io.Discard, in)
		}
	}
	return a.unpacking(f, err)
}

// storage reads a persistent id, and returns what is behind its five parts.
func (m *machine) storage(id any) (*storage, []any, error) {
	parts := itemsOf(id)
	if len(parts) < 5 {
		return nil, nil, m.fail("a persistent id of five parts", describe(id))
	}
	kind, ok := parts[0].(string)
	if !ok || kind != "storage" {
		return nil, nil, m.fail("the persistent id of a storage", "that of something else")
	}
	class, ok := parts[1].(global)
	name := string(class[strings.LastIndexByte(string(class), '.')+1:])
	dtype, known := storageTypes()[name]
	if !ok || !known || !strings.HasPrefix(string(class), "torch.") {
		return nil, nil, m.fail("a storage of PyTorch's types", tensorfile.Quote(string(class)))
	}
	key, ok := parts[2].(string)
	if !ok || strings.Contains(key, "/") {
		return nil, nil, m.fail("a storage's key", "something else")
	}
	elements, ok := parts[4].(int64)
	if !ok || elements < 0 {
		return nil, nil, m.fail("a storage's number of elements", "something else")
	}
	return &storage{key: key, dtype: dtype, elements: elements}, parts[5:], nil
}
