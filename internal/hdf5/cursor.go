package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrFormat is wrapped by all errors about what is in a file.
var ErrFormat = errors.New("broken HDF5")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// undefined is the address of nothing.
const undefined = ^uint64(0)

// A cursor reads numbers from the bytes of a structure. The first that is not there makes
// it fail, and all after it are zero.
type cursor struct {
	data    []byte
	at      int
	offset  int // bytes of an address
	length  int // bytes of a length
	what    string
	failure error
}

func (c *cursor) bytes(n int) []byte {
	if c.failure == nil && (n < 0 || n > len(c.data)-c.at) {
		c.failure = broken("%s ends after %d bytes", c.what, len(c.data))
	}
	if c.failure != nil {
		return nil
	}
	c.at += n
	return c.data[c.at-n : c.at]
}

// number is little-endian, of up to eight bytes.
func (c *cursor) number(n int) uint64 {
	var padded [8]byte
	copy(padded[:], c.bytes(n))
	return binary.LittleEndian.Uint64(padded[:])
}

// address is undefined where all its bits are set.
func (c *cursor) address() uint64 {
	v := c.number(c.offset)
	if c.offset < 8 && v == 1<<(8*c.offset)-1 {
		return undefined
	}
	return v
}

func (c *cursor) size() uint64 { return c.number(c.length) }
func (c *cursor) byte() byte   { return byte(c.number(1)) }

// magic reads four letters that a structure begins with.
func (c *cursor) magic(want string) {
	if got := string(c.bytes(len(want))); c.failure == nil && got != want {
		c.failure = broken("expected %s, which begins with %q, found %q", c.what, want, got)
	}
}

// version reads a version that must be one of those given.
func (c *cursor) version(known ...byte) byte {
	v := c.byte()
	for _, k := range known {
		if v == k {
			return v
		}
	}
	if c.failure == nil {
		c.failure = broken("%s of version %d is not known; versions %v are", c.what, v, known)
	}
	return v
}

// padTo moves on to a multiple of n bytes from a beginning.
func (c *cursor) padTo(begin, n int) { c.bytes((n - (c.at-begin)%n) % n) }
