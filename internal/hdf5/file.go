package hdf5

import (
	"errors"
	"fmt"
	"io"
)

// Signature is what a file begins with.
const Signature = "\x89HDF\r\n\x1a\n"

// A File is an open file. It may be read by several goroutines.
type File struct {
	in             io.ReaderAt
	size           uint64
	base           uint64 // that addresses count from
	offset, length int    // bytes of addresses and lengths
	root           uint64
	strings        *collections // while objects are listed
}

// Open reads the superblock of a file of size bytes.
func Open(in io.ReaderAt, size int64) (*File, error) {
	f := &File{in: in, size: uint64(size), offset: 8, length: 8}
	// Behind a user's own block the file begins at 512, 1024, ...
	for at := uint64(0); ; at = max(512, 2*at) {
		head, err := f.read(at, uint64(len(Signature)), "the signature")
		if err != nil {
			if at > 0 && errors.Is(err, ErrFormat) {
				return nil, broken("no signature")
			}
			return nil, err
		}
		if string(head) == Signature {
			f.base = at
			break
		}
	}
	return f, f.superblock()
}

// read returns bytes of the file, which must have them.
func (f *File) read(at, n uint64, what string) ([]byte, error) {
	if at > f.size || n > f.size-at {
		return nil, broken("%s has %d bytes at %d, in a file of %d", what, n, at, f.size)
	}
	data := make([]byte, n)
	if read, err := f.in.ReadAt(data, int64(at)); read < len(data) {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	return data, nil
}

// cursor reads a structure of n bytes at an address.
func (f *File) cursor(address, n uint64, what string) (*cursor, error) {
	if address == undefined || address > f.size {
		return nil, broken("%s is nowhere in the file", what)
	}
	data, err := f.read(f.base+address, n, what)
	if err != nil {
		return nil, err
	}
	return f.cursorOf(data, what), nil
}

// upTo is cursor for a structure of at most n bytes, of which the end of the file may cut
// some off.
func (f *File) upTo(address, n uint64, what string) (*cursor, error) {
	if address == undefined || address > f.size || f.base+address > f.size {
		return nil, broken("%s is nowhere in the file", what)
	}
	return f.cursor(address, min(n, f.size-f.base-address), what)
}

func (f *File) cursorOf(data []byte, what string) *cursor {
	return &cursor{data: data, offset: f.offset, length: f.length, what: what}
}

func (f *File) superblock() error {
	const most = 96
	c, err := f.upTo(0, most, "the superblock")
	if err != nil {
		return err
	}
	c.bytes(len(Signature))
	version := c.version(0, 1, 2, 3)
	if version < 2 {
		c.bytes(4) // versions of what it speaks of
	}
	c.offset, c.length = int(c.byte()), int(c.byte())
	for _, n := range []int{c.offset, c.length} {
		if c.failure == nil && n != 2 && n != 4 && n != 8 {
			return broken("addresses and lengths of %d and %d bytes, expected 2, 4 or 8", c.offset, c.length)
		}
	}
	f.offset, f.length = c.offset, c.length
	switch version {
	case 0, 1:
		c.bytes(1 + 2 + 2 + 4)
		if version == 1 {
			c.bytes(4)
		}
		c.address() // base: the signature's place is
		c.address()
		end := c.address()
		c.address()
		c.size() // the root has no name
		f.root = c.address()
		return f.whole(c, end)
	default:
		c.byte()
		c.address()
		c.address()
		end := c.address()
		f.root = c.address()
		return f.whole(c, end)
	}
}

// whole compares the end of the file with where it should be.
func (f *File) whole(c *cursor, end uint64) error {
	if c.failure == nil && end != undefined && end > f.size {
		return broken("the file should have %d bytes, and has %d: it is cut short", end, f.size)
	}
	return c.failure
}
