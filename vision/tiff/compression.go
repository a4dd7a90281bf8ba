package tiff

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/bits"

	"github.com/klauspost/compress/flate"
	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// reader returns the pixels of a strip or tile, of which the given number of rows is read.
func (l *layout) reader(stored []byte, rows int, inflater *inflater) (io.Reader, error) {
	if l.reversed && l.compression != group3 && l.compression != group4 {
		turned := make([]byte, len(stored))
		for i, v := range stored {
			turned[i] = bits.Reverse8(v)
		}
		stored = turned
	}
	r := bytes.NewReader(stored)
	switch l.compression {
	case lzwCodes:
		return lzw.NewReader(r, lzw.MSB, 8), nil
	case deflate, oldDeflate:
		return inflater.open(r)
	case packBits:
		return &unpacker{from: bufio.NewReader(r)}, nil
	case group3, group4:
		format, order := ccitt.Group4, ccitt.MSB
		if l.compression == group3 {
			format = ccitt.Group3
		}
		if l.reversed {
			order = ccitt.LSB
		}
		// White is 0, whatever stands for it in the picture.
		return ccitt.NewReader(r, order, format, l.blocks.width, rows, &ccitt.Options{Invert: true}), nil
	}
	return r, nil
}

// An inflater reads zlib streams one after the other. The sum at their end is not looked at.
type inflater struct{ r io.Reader }

func (f *inflater) open(r *bytes.Reader) (io.Reader, error) {
	var header [2]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if header[0]&15 != 8 || (int(header[0])<<8|int(header[1]))%31 != 0 || header[1]&0x20 != 0 {
		return nil, errors.New("its compressed pixels begin wrongly")
	}
	if f.r == nil {
		f.r = flate.NewReader(r)
		return f.r, nil
	}
	return f.r, f.r.(flate.Resetter).Reset(r, nil)
}

// An unpacker reads PackBits: a count of bytes that follow, or one of times that the byte
// after it is repeated.
type unpacker struct {
	from   *bufio.Reader
	left   int
	repeat bool
	value  byte
}

func (u *unpacker) Read(to []byte) (n int, err error) {
	for u.left == 0 {
		code, err := u.from.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c := int(int8(code)); {
		case c >= 0:
			u.left, u.repeat = c+1, false
		case c > -128:
			u.left, u.repeat = 1-c, true
			if u.value, err = u.from.ReadByte(); err != nil {
				return 0, err
			}
		}
	}
	n = min(u.left, len(to))
	if u.repeat {
		for i := range n {
			to[i] = u.value
		}
	} else if n, err = u.from.Read(to[:n]); err != nil {
		return n, err
	}
	u.left -= n
	return n, nil
}
