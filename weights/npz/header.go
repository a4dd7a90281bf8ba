package npz

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

const (
	magic       = "\x93NUMPY"
	headerLimit = 1 << 16 // bytes of text; what is longer describes no plain array
	rankLimit   = 64      // numpy's own
)

// A header is what an entry says of its array.
type header struct {
	dtype   dtype
	fortran bool // the first axis varies fastest, not the last
	shape   []int
	length  int // bytes before the elements
}

// readHeader reads the beginning of an entry.
func readHeader(r io.Reader, c complainer) (header, error) {
	short := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return c.mismatch("the header of an array", "an entry that ends in it", copyAgain)
		}
		return c.mismatch("the header of an array", "an entry that cannot be unpacked ("+err.Error()+")", copyAgain)
	}
	begin := make([]byte, len(magic)+2, len(magic)+6)
	if _, err := io.ReadFull(r, begin); err != nil {
		return header{}, short(err)
	}
	if string(begin[:len(magic)]) != magic {
		return header{}, c.mismatch(fmt.Sprintf("an array, which begins with %q", magic), fmt.Sprintf("%q", begin[:len(magic)]), saveAgain)
	}
	major, minor := begin[len(magic)], begin[len(magic)+1]
	lengthBytes := 4
	switch {
	case major == 1 && minor == 0:
		lengthBytes = 2
	case (major == 2 || major == 3) && minor == 0:
	default:
		return header{}, c.mismatch("version 1.0, 2.0 or 3.0 of the .npy format", fmt.Sprintf("version %d.%d", major, minor), saveAgain)
	}
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length[:lengthBytes]); err != nil {
		return header{}, short(err)
	}
	n := binary.LittleEndian.Uint32(length)
	if n > headerLimit {
		return header{}, c.mismatch(fmt.Sprintf("a header of at most %d bytes", headerLimit), fmt.Sprintf("a claim of %d bytes", n), saveAgain)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return header{}, short(err)
	}
	h, err := parseHeader(string(text), c)
	h.length = len(begin) + lengthBytes + len(text)
	return h, err
}

// parseHeader reads the literal of a header, which has just the keys descr,
// fortran_order and shape.
func parseHeader(text string, c complainer) (h header, err error) {
	l := literal{text: text, complainer: c}
	seen := map[string]bool{}
	if err := l.take("{"); err != nil {
		return h, err
	}
	for !l.next("}") {
		key, err := l.string("a key")
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, l.mismatch("each key of the header once", "key "+tensorfile.Quote(key)+" twice", saveAgain)
		}
		seen[key] = true
		if err := l.take(":"); err != nil {
			return h, err
		}
		switch key {
		case "descr":
			h.dtype, err = l.dtype()
		case "fortran_order":
			h.fortran, err = l.bool()
		case "shape":
			h.shape, err = l.shape()
		default:
			err = l.mismatch("the keys descr, fortran_order and shape in the header", "key "+tensorfile.Quote(key), saveAgain)
		}
		if err != nil {
			return h, err
		}
		if !l.next(",") {
			if err := l.take("}"); err != nil {
				return h, err
			}
			break
		}
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return h, l.mismatch("the key "+key+" in the header", "none", saveAgain)
		}
	}
	if l.space(); l.at < len(text) {
		return h, l.unexpected("spaces or nothing after the header")
	}
	return h, nil
}

// A literal is a Python expression that is being read.
type literal struct {
	complainer
	text string
	at   int
}

func (l *literal) space() {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
}

// next passes a token if it is what comes next.
func (l *literal) next(token string) bool {
	l.space()
	if !strings.HasPrefix(l.text[l.at:], token) {
		return false
	}
	l.at += len(token)
	return true
}

func (l *literal) take(token string) error {
	if l.next(token) {
		return nil
	}
	return l.unexpected(strconv.Quote(token) + " in the header")
}

func (l *literal) unexpected(expected string) error {
	rest := l.text[l.at:]
	const most = 20
	if len(rest) > most {
		rest = rest[:most]
	}
	return l.mismatch(expected, fmt.Sprintf("%q at byte %d of it", rest, l.at), saveAgain)
}

func (l *literal) string(what string) (string, error) {
	l.space()
	for _, quote := range []string{"'", `"`} {
		if rest, ok := strings.CutPrefix(l.text[l.at:], quote); ok {
			if end := strings.IndexAny(rest, quote+"\\\n"); end >= 0 && rest[end:end+1] == quote {
				l.at += end + 2
				return rest[:end], nil
			}
		}
	}
	return "", l.unexpected(what + " in quotes in the header")
}

func (l *literal) dtype() (dtype, error) {
	if l.next("[") {
		return dtype{}, l.mismatch("an array of plain numbers", "one of records with fields", "save each field as an array of its own")
	}
	descr, err := l.string("an element type")
	if err != nil {
		return dtype{}, err
	}
	if strings.HasSuffix(descr, "O") {
		return dtype{}, l.mismatch("an array of plain numbers", "one of Python objects ("+tensorfile.Quote(descr)+"), which only running a pickle could read", "save it with a numeric dtype")
	}
	d, ok := parseDType(descr)
	if !ok {
		return dtype{}, l.mismatch("an element type such as <f4", tensorfile.Quote(descr), saveAgain)
	}
	return d, nil
}

func (l *literal) bool() (bool, error) {
	switch {
	case l.next("True"):
		return true, nil
	case l.next("False"):
		return false, nil
	}
	return false, l.unexpected("True or False for fortran_order in the header")
}

// shape reads a tuple of whole numbers.
func (l *literal) shape() ([]int, error) {
	if err := l.take("("); err != nil {
		return nil, err
	}
	shape, comma := []int{}, true
	for !l.next(")") {
		if len(shape) == rankLimit {
			return nil, l.mismatch(fmt.Sprintf("at most %d axes", rankLimit), "more", saveAgain)
		}
		if !comma {
			return nil, l.unexpected(`"," or ")" in the shape`)
		}
		l.space()
		digits := l.text[l.at:]
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		n, err := strconv.ParseUint(digits, 10, strconv.IntSize-1)
		if err != nil {
			return nil, l.unexpected("a whole number that fits this machine's int in the shape")
		}
		l.at += len(digits)
		l.next("L") // Python 2's long numbers
		shape = append(shape, int(n))
		comma = l.next(",")
	}
	if len(shape) == 1 && !comma {
		return nil, l.mismatch("a tuple for the shape", fmt.Sprintf("(%d), a number", shape[0]), saveAgain)
	}
	return shape, nil
}
