// Package wire goes over the fields of protocol buffers, in memory or in a file, and appends
// fields, for formats of which a few are wanted.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrBroken is wrapped by the errors about messages that are none.
var ErrBroken = errors.New("broken protocol buffer")

// A Field is one of a message.
type Field struct {
	Number protowire.Number
	Kind   protowire.Type
	// Bits is the value of a number.
	Bits uint64
	// Data is that of bytes, strings and messages, and At where it is in the message.
	Data []byte
	At   int
}

// Each calls do for the fields of a message, in their order.
func Each(message []byte, do func(f Field) error) error {
	for at := 0; at < len(message); {
		number, kind, n := protowire.ConsumeTag(message[at:])
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrBroken, protowire.ParseError(n))
		}
		at += n
		f := Field{Number: number, Kind: kind}
		switch kind {
		case protowire.VarintType:
			f.Bits, n = protowire.ConsumeVarint(message[at:])
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message[at:])
			f.Bits = uint64(v)
		case protowire.Fixed64Type:
			f.Bits, n = protowire.ConsumeFixed64(message[at:])
		case protowire.BytesType:
			f.Data, n = protowire.ConsumeBytes(message[at:])
			f.At = at + n - len(f.Data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message[at:])
		}
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrBroken, protowire.ParseError(n))
		}
		at += n
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

// EachIn calls do for the fields of a message that lies in a file from one byte to another:
// with the value of a number, or with where the data is, which is not read.
func EachIn(in io.ReaderAt, at, end int64, do func(number protowire.Number, bits uint64, at, length int64) error) error {
	head := make([]byte, 2*binary.MaxVarintLen64)
	for at < end {
		buffer := head[:min(int64(len(head)), end-at)]
		if n, err := in.ReadAt(buffer, at); n < len(buffer) {
			return err
		}
		number, kind, n := protowire.ConsumeTag(buffer)
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrBroken, protowire.ParseError(n))
		}
		if kind != protowire.BytesType {
			m := protowire.ConsumeFieldValue(number, kind, buffer[n:])
			if m < 0 {
				return fmt.Errorf("%w: %w", ErrBroken, protowire.ParseError(m))
			}
			bits := uint64(0)
			if kind == protowire.VarintType {
				bits, _ = protowire.ConsumeVarint(buffer[n:])
			}
			if err := do(number, bits, at, 0); err != nil {
				return err
			}
			at += int64(n + m)
			continue
		}
		length, m := protowire.ConsumeVarint(buffer[n:])
		if m < 0 || length > uint64(end-at-int64(n+m)) {
			return fmt.Errorf("%w: a field of %d bytes at %d, of a message that ends at %d", ErrBroken, length, at, end)
		}
		at += int64(n + m)
		if err := do(number, 0, at, int64(length)); err != nil {
			return err
		}
		at += int64(length)
	}
	return nil
}

// Read returns bytes of a file, which must have them.
func Read(in io.ReaderAt, at, length int64) ([]byte, error) {
	data := make([]byte, length)
	if n, err := in.ReadAt(data, at); n < len(data) {
		return nil, err
	}
	return data, nil
}
