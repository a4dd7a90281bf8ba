package dataset

import (
	"errors"
	"fmt"
	"io"
)

// A window reads small parts of a large file, so that the large values in a message
// are passed without being read.
type window struct {
	r     io.ReaderAt
	size  int64
	start int64 // of buffer in the file
	valid []byte
}

const windowSize = 4 << 10

// largest is the size of a value that is read while indexing, such as a file name.
const largest = 1 << 20

var errValue = errors.New("a value is cut off or too large")

// bytes returns n bytes at an offset, valid until the next call.
func (w *window) bytes(at, n int64) ([]byte, error) {
	if n < 0 || n > largest || at < 0 || at > w.size-n {
		return nil, errValue
	}
	if at < w.start || at+n > w.start+int64(len(w.valid)) {
		want := min(max(n, windowSize), w.size-at)
		if int64(cap(w.valid)) < want {
			w.valid = make([]byte, want)
		}
		w.start, w.valid = at, w.valid[:want]
		if _, err := w.r.ReadAt(w.valid, at); err != nil && !errors.Is(err, io.EOF) {
			w.valid = w.valid[:0]
			return nil, err
		}
	}
	return w.valid[at-w.start:][:n], nil
}

// ReadAt is that of io.ReaderAt, for short parts.
func (w *window) ReadAt(dst []byte, at int64) (int, error) {
	b, err := w.bytes(at, int64(len(dst)))
	return copy(dst, b), err
}

// A span is a range of a file, from from up to to.
type span struct{ from, to int64 }

func (w *window) text(s span) (string, error) {
	b, err := w.bytes(s.from, s.to-s.from)
	return string(b), err
}

// varint reads a number of 7 bits a byte, the lowest first, and returns what follows.
func (w *window) varint(s span) (uint64, span, error) {
	v := uint64(0)
	for shift := 0; shift < 64 && s.from < s.to; shift += 7 {
		b, err := w.bytes(s.from, 1)
		if err != nil {
			return 0, s, err
		}
		s.from++
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return v, s, nil
		}
	}
	return 0, s, errors.New("a number is cut off or too long")
}

// A field of a protobuf message: its number, and its value where the wire type is a
// varint, or its content where it is delimited by a length.
type field struct {
	number  uint64
	wire    wireType
	value   uint64
	content span
}

type wireType uint8

// https://protobuf.dev/programming-guides/encoding/#structure
const (
	wireVarint  wireType = 0
	wireFixed64 wireType = 1
	wireBytes   wireType = 2
	wireFixed32 wireType = 5
)

// fields calls visit for every field of the message in s.
func (w *window) fields(s span, visit func(field) error) error {
	for s.from < s.to {
		tag, rest, err := w.varint(s)
		if err != nil {
			return err
		}
		f := field{number: tag >> 3, wire: wireType(tag & 7)}
		length := uint64(0)
		switch f.wire {
		case wireVarint:
			f.value, rest, err = w.varint(rest)
		case wireFixed64:
			length = 8
		case wireBytes:
			length, rest, err = w.varint(rest)
		case wireFixed32:
			length = 4
		default:
			err = fmt.Errorf("a field has the wire type %d, expected 0, 1, 2 or 5", f.wire)
		}
		if err != nil {
			return err
		}
		if length > uint64(rest.to-rest.from) {
			return errValue
		}
		f.content = span{rest.from, rest.from + int64(length)}
		if err := visit(f); err != nil {
			return err
		}
		s.from = f.content.to
	}
	return nil
}
