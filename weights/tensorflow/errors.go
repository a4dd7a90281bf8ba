package tensorflow

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// What to do about a file that breaks the format.
const (
	copyAgain = "copy or download the file again"
	saveAgain = "save the checkpoint again with tf.train.Saver"
)

// A complainer makes errors about a file of a format.
type complainer struct{ format, file string }

func (c complainer) mismatch(tensor, expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: c.format, File: c.file, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}

var errProto = errors.New("broken protocol buffer")

// A field is one of a message: its number, and its value by its wire type.
type field struct {
	number protowire.Number
	kind   protowire.Type
	bits   uint64 // of a number
	data   []byte // of bytes, strings and messages
	at     int    // of data in the message
}

// each goes over the fields of a message.
func each(message []byte, do func(f field) error) error {
	for at := 0; at < len(message); {
		number, kind, n := protowire.ConsumeTag(message[at:])
		if n < 0 {
			return fmt.Errorf("%w: %w", errProto, protowire.ParseError(n))
		}
		at += n
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(message[at:])
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message[at:])
			f.bits = uint64(v)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(message[at:])
		case protowire.BytesType:
			f.data, n = protowire.ConsumeBytes(message[at:])
			f.at = at + n - len(f.data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message[at:])
		}
		if n < 0 {
			return fmt.Errorf("%w: %w", errProto, protowire.ParseError(n))
		}
		at += n
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}
