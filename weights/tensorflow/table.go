package tensorflow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
)

// A table is LevelDB's: blocks of entries in the order of their keys, a block that says
// where these are, and a footer that says where that one is.
type table struct {
	complainer
	file io.ReaderAt
	size int64
}

const (
	tableMagic    = "\x57\xfb\x80\x8b\x24\x75\x47\xdb"
	footerBytes   = 48
	trailerBytes  = 5  // of a block: how it is compressed, and its checksum
	snappyExpands = 32 // at most so many bytes of one
)

// keyLimit bounds the bytes of a key.
const keyLimit = 1 << 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the form in which checksums are stored.
func masked(sum uint32) uint32 { return (sum>>15 | sum<<17) + 0xa282ead8 }

// A block is one of the file: where its bytes are, and how many.
type block struct{ at, length int64 }

func (t *table) broken(expected, found string) error {
	return t.mismatch("", expected, found, copyAgain)
}

// handle reads where a block is from the front of data, and returns the rest.
func (t *table) handle(data []byte) (block, []byte, error) {
	at, n := binary.Uvarint(data)
	if n > 0 {
		length, m := binary.Uvarint(data[n:])
		if m > 0 && at <= uint64(t.size) && length <= uint64(t.size)-at && uint64(t.size)-at-length >= trailerBytes {
			return block{int64(at), int64(length)}, data[n+m:], nil
		}
	}
	return block{}, nil, t.broken(fmt.Sprintf("a block within the file's %d bytes", t.size), "one that is not")
}

// read returns a block's bytes, and whether they are as in the file.
func (t *table) read(b block) (data []byte, plain bool, err error) {
	data = make([]byte, b.length+trailerBytes)
	if _, err := t.file.ReadAt(data, b.at); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, false, t.broken(fmt.Sprintf("a block of %d bytes at %d", b.length, b.at), "the end of the file")
		}
		return nil, false, fmt.Errorf("%s: %s: reading: %w", t.format, t.complainer.file, err)
	}
	sum := binary.LittleEndian.Uint32(data[b.length+1:])
	if masked(crc32.Checksum(data[:b.length+1], castagnoli)) != sum {
		return nil, false, t.broken(fmt.Sprintf("the checksum of the block at byte %d", b.at), "another: the bytes have changed")
	}
	switch kind := data[b.length]; kind {
	case 0:
		return data[:b.length], true, nil
	case 1:
		n, err := snappy.DecodedLen(data[:b.length])
		if err == nil && int64(n) > snappyExpands*b.length {
			err = fmt.Errorf("%d bytes of %d", n, b.length)
		}
		if err == nil {
			data, err = snappy.Decode(nil, data[:b.length])
		}
		if err != nil {
			return nil, false, t.broken("a block that Snappy can unpack", err.Error())
		}
		return data, false, nil
	default:
		return nil, false, t.broken("a block that is plain or compressed by Snappy", fmt.Sprintf("kind %d", kind))
	}
}

// entries goes over a block: key is valid during the call, at is where in the block the
// value is.
func (t *table) entries(data []byte, do func(key, value []byte, at int) error) error {
	broken := func() error { return t.broken("a block of entries", "lengths that do not fit it") }
	if len(data) < 4 {
		return broken()
	}
	restarts := binary.LittleEndian.Uint32(data[len(data)-4:])
	if uint64(restarts) > uint64(len(data)-4)/4 {
		return broken()
	}
	data = data[:len(data)-4-4*int(restarts)]
	var key []byte
	for at := 0; at < len(data); {
		var lengths [3]uint64 // of what the key shares with the last, the rest of it, and the value
		for i := range lengths {
			v, n := binary.Uvarint(data[at:])
			if n <= 0 {
				return broken()
			}
			lengths[i] = v
			at += n
		}
		left := uint64(len(data) - at)
		if lengths[0] > uint64(len(key)) || lengths[1] > left || lengths[2] > left-lengths[1] {
			return broken()
		}
		key = append(key[:lengths[0]], data[at:at+int(lengths[1])]...)
		if len(key) > keyLimit {
			return t.broken(fmt.Sprintf("a key of at most %d bytes", keyLimit), fmt.Sprint(len(key)))
		}
		at += int(lengths[1])
		if err := do(key, data[at:at+int(lengths[2])], at); err != nil {
			return err
		}
		at += int(lengths[2])
	}
	return nil
}

// each goes over the whole table. at is where in the file a value is, -1 for one that is
// compressed. Key and value are valid during the call.
func (t *table) each(do func(key, value []byte, at int64) error) error {
	if t.size < footerBytes {
		return t.broken(fmt.Sprintf("a table of at least %d bytes", footerBytes), fmt.Sprintf("a file of %d", t.size))
	}
	var footer [footerBytes]byte
	if _, err := t.file.ReadAt(footer[:], t.size-footerBytes); err != nil {
		return fmt.Errorf("%s: %s: reading: %w", t.format, t.complainer.file, err)
	}
	if string(footer[footerBytes-len(tableMagic):]) != tableMagic {
		return t.broken("the magic number of a table at the end", "none: the file is cut short, or is no checkpoint")
	}
	_, rest, err := t.handle(footer[:])
	if err != nil {
		return err
	}
	index, _, err := t.handle(rest)
	if err != nil {
		return err
	}
	where, _, err := t.read(index)
	if err != nil {
		return err
	}
	seen := int64(0) // bytes of blocks: no index may name the same ones again and again
	return t.entries(where, func(_, value []byte, _ int) error {
		b, _, err := t.handle(value)
		if err != nil {
			return err
		}
		if seen += b.length + trailerBytes; seen > t.size {
			return t.broken("blocks that lie one behind the other", "some that overlap")
		}
		data, plain, err := t.read(b)
		if err != nil {
			return err
		}
		return t.entries(data, func(key, value []byte, at int) error {
			if !plain {
				return do(key, value, -1)
			}
			return do(key, value, b.at+int64(at))
		})
	})
}
