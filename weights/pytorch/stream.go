package pytorch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// legacyMagic is the pickle of the magic number that the stream begins with: protocol 2, a
// number of ten bytes.
const legacyMagic = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."

// isLegacy reports whether a file begins with that number, in a pickle of any protocol.
func isLegacy(head string) bool {
	const protocol = len("\x80\x02")
	return len(head) >= len(legacyMagic) && head[0] == legacyMagic[0] && head[protocol:len(legacyMagic)] == legacyMagic[protocol:]
}

// legacyVersion is that of the stream, the only one there is.
const legacyVersion = 1001

// A stream has storages behind its pickles.
type stream struct {
	complainer
	file     io.ReaderAt
	size     int64
	big      bool
	storages map[string]*storage
	places   map[string]int64 // of the storages' first bytes
}

func (s *stream) bigEndian() bool { return s.big }

// openStream runs the pickles of a stream: magic number, version, the writer's machine, the
// value, and the keys of the storages.
func openStream(c complainer, r io.ReaderAt, size int64) (any, source, error) {
	s := &stream{complainer: c, file: r, size: size, storages: map[string]*storage{}, places: map[string]int64{}}
	at := int64(0)
	next := func() (any, error) {
		m := newMachine(c, io.NewSectionReader(r, at, size-at), size-at, s.load)
		v, err := m.run()
		at += m.at
		return v, err
	}
	if _, err := next(); err != nil {
		return nil, nil, err
	}
	version, err := next()
	if err != nil {
		return nil, nil, err
	}
	if version != int64(legacyVersion) {
		return nil, nil, c.mismatch("", fmt.Sprintf("version %d of the stream", legacyVersion), describe(version), saveAgain)
	}
	info, err := next()
	if err != nil {
		return nil, nil, err
	}
	if d, ok := info.(*dict); ok {
		little, ok := d.get("little_endian")
		s.big = ok && little == false
	}
	root, err := next()
	if err != nil {
		return nil, nil, err
	}
	keys, err := next()
	if err != nil {
		return nil, nil, err
	}
	for _, item := range itemsOf(keys) {
		key, ok := item.(string)
		st := s.storages[key]
		if !ok || st == nil {
			return nil, nil, c.mismatch("", "the keys of the storages that the pickle speaks of", tensorfile.Quote(fmt.Sprint(item)), copyAgain)
		}
		if _, ok := s.places[key]; ok {
			return nil, nil, c.mismatch("", "each storage once", tensorfile.Quote(key)+" twice", copyAgain)
		}
		var count [8]byte
		if _, err := r.ReadAt(count[:], at); err != nil {
			return nil, nil, s.cutShort(key, 8)
		}
		n := int64(binary.LittleEndian.Uint64(count[:]))
		if s.big {
			n = int64(binary.BigEndian.Uint64(count[:]))
		}
		at += 8
		bytes := int64(max(1, sizeOf(st.dtype)))
		if n != st.elements || n < 0 || n > (size-at)/bytes {
			if n == st.elements {
				return nil, nil, s.cutShort(key, n*bytes)
			}
			return nil, nil, c.mismatch("", fmt.Sprintf("%d elements in the storage %s", st.elements, tensorfile.Quote(key)), fmt.Sprint(n), copyAgain)
		}
		s.places[key] = at
		at += n * bytes
	}
	for key := range s.storages {
		if _, ok := s.places[key]; !ok {
			return nil, nil, c.mismatch("", "the elements of the storage "+tensorfile.Quote(key), "none in the file", copyAgain)
		}
	}
	return root, s, nil
}

func (s *stream) cutShort(key string, bytes int64) error {
	return s.mismatch("", fmt.Sprintf("%d bytes of the storage %s", bytes, tensorfile.Quote(key)), fmt.Sprintf("a file of %d bytes that ends before", s.size), "the file is cut short: "+copyAgain)
}

// load makes the storage of a persistent id: ("storage", type, key, place, elements, view),
// where the view is None or (key, offset, elements).
func (s *stream) load(m *machine, id any) (any, error) {
	st, rest, err := m.storage(id)
	if err != nil {
		return nil, err
	}
	if known := s.storages[st.key]; known != nil {
		if known.dtype != st.dtype || known.elements != st.elements {
			return nil, m.fail("one type and length of the storage "+tensorfile.Quote(st.key), "two")
		}
	} else {
		if st.elements > s.size {
			return nil, m.fail(fmt.Sprintf("a storage of at most the file's %d bytes", s.size), fmt.Sprintf("%d elements", st.elements))
		}
		s.storages[st.key] = st
	}
	if len(rest) == 0 || rest[0] == nil {
		return st, nil
	}
	view := itemsOf(rest[0])
	if len(view) != 3 {
		return nil, m.fail("the view of a storage", describe(rest[0]))
	}
	offset, ok := view[1].(int64)
	n, also := view[2].(int64)
	if !ok || !also || offset < 0 || n < 0 || offset > st.elements || n > st.elements-offset {
		return nil, m.fail(fmt.Sprintf("a view within the %d elements of the storage %s", st.elements, tensorfile.Quote(st.key)), "one outside")
	}
	return &storage{key: st.key, dtype: st.dtype, elements: n, from: offset}, nil
}

func (s *stream) read(st *storage, from int64, data []byte) error {
	if n, err := s.file.ReadAt(data, s.places[st.key]+from); n < len(data) {
		if errors.Is(err, io.EOF) {
			return s.cutShort(st.key, int64(len(data)))
		}
		return err
	}
	return nil
}
