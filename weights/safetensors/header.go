package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

const (
	lengthBytes = 8           // the header length that a file begins with
	headerLimit = 100_000_000 // bytes of header, the format's own limit
	metadataKey = "__metadata__"
)

// An entry is what the header says of one tensor, not yet held against the
// data. Offsets are bytes from the start of the data section.
type entry struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int64
}

// splitHeader returns the header's JSON and the data section of a whole file.
func splitHeader(file string, data []byte) (header, section []byte, err error) {
	broken := func(expected, found, advice string) error {
		if f := recognize(data); f != nil {
			return mismatch(file, "", "a safetensors file", f.found, f.advice)
		}
		return mismatch(file, "", expected, found, advice)
	}
	if len(data) == 0 {
		return nil, nil, broken("a safetensors file", "an empty file", downloadAgain)
	}
	if len(data) < lengthBytes {
		return nil, nil, broken("8 bytes of header length", fmt.Sprintf("a file of %d bytes", len(data)), downloadAgain)
	}
	n := binary.LittleEndian.Uint64(data)
	rest := data[lengthBytes:]
	if n > headerLimit {
		return nil, nil, broken(fmt.Sprintf("a header of at most %d bytes", headerLimit),
			fmt.Sprintf("a claim of %d bytes", n), "check that this is a safetensors file, then "+downloadAgain)
	}
	if n > uint64(len(rest)) {
		return nil, nil, broken(fmt.Sprintf("a header of %d bytes", n),
			fmt.Sprintf("%d bytes after the header length", len(rest)), downloadAgain)
	}
	if n == 0 {
		return nil, nil, broken("a JSON object as header", "a header of 0 bytes", exportAgain)
	}
	if rest[0] != '{' {
		return nil, nil, broken("a header beginning with '{'", fmt.Sprintf("%q", rest[0]), exportAgain)
	}
	return rest[:n], rest[n:], nil
}

// parseHeader reads the header's JSON. It goes token by token because a
// decode into a map would silently keep the last of two equal keys.
func parseHeader(file string, header []byte) ([]entry, map[string]string, error) {
	if !utf8.Valid(header) {
		return nil, nil, mismatch(file, "", "a header in UTF-8", "bytes that are not", exportAgain)
	}
	p := headerParser{file: file, json: json.NewDecoder(bytes.NewReader(header))}
	p.json.UseNumber()
	var entries []entry
	var metadata map[string]string
	err := p.object("the header", func(key string) (err error) {
		if key == metadataKey {
			metadata, err = p.metadata()
			return err
		}
		p.tensor = key
		e, err := p.entry(key)
		p.tensor = ""
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if t, err := p.json.Token(); err != io.EOF {
		if err != nil {
			return nil, nil, p.syntax("spaces or nothing after the header's JSON object", err)
		}
		return nil, nil, p.unexpected("spaces or nothing after the header's JSON object", t)
	}
	return entries, metadata, nil
}

// headerParser walks the header's tokens and remembers where it is.
type headerParser struct {
	file   string
	tensor string // the entry being read, "" outside one
	json   *json.Decoder
}

func (p *headerParser) fail(expected, found string) error {
	return mismatch(p.file, p.tensor, expected, found, exportAgain)
}

// syntax reports JSON that cannot be read, with its place in the file.
func (p *headerParser) syntax(expected string, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	at := lengthBytes + p.json.InputOffset()
	return p.fail(expected, fmt.Sprintf("broken JSON near byte %d of the file (%s)", at, err))
}

// unexpected reports a token of the wrong kind.
func (p *headerParser) unexpected(expected string, t json.Token) error {
	found := fmt.Sprint(t)
	if s, ok := t.(string); ok {
		found = tensorfile.Quote(s)
	} else if len(found) > tensorfile.QuoteLimit {
		found = found[:tensorfile.QuoteLimit] + "..."
	}
	if t == nil {
		found = "null"
	}
	return p.fail(expected, found)
}

func (p *headerParser) delim(d json.Delim, expected string) error {
	t, err := p.json.Token()
	if err != nil {
		return p.syntax(expected, err)
	}
	if t != d {
		return p.unexpected(expected, t)
	}
	return nil
}

func (p *headerParser) string(expected string) (string, error) {
	t, err := p.json.Token()
	if err != nil {
		return "", p.syntax(expected, err)
	}
	s, ok := t.(string)
	if !ok {
		return "", p.unexpected(expected, t)
	}
	return s, nil
}

// object reads a JSON object: value is called after each key and must read
// exactly that key's value.
func (p *headerParser) object(what string, value func(key string) error) error {
	if err := p.delim('{', "a JSON object for "+what); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.json.More() {
		key, err := p.string("a key in " + what)
		if err != nil {
			return err
		}
		if seen[key] {
			return p.fail("each key once in "+what, "key "+tensorfile.Quote(key)+" twice")
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delim('}', "the end of "+what)
}

func (p *headerParser) metadata() (map[string]string, error) {
	m := map[string]string{}
	err := p.object(metadataKey, func(key string) (err error) {
		m[key], err = p.string("a string for " + metadataKey + " key " + tensorfile.Quote(key))
		return err
	})
	return m, err
}

func (p *headerParser) entry(name string) (entry, error) {
	e := entry{name: name}
	var dtype, shape, offsets bool
	err := p.object("the tensor's entry", func(key string) error {
		switch key {
		case "dtype":
			dtype = true
			return p.dtype(&e)
		case "shape":
			shape = true
			return p.shape(&e)
		case "data_offsets":
			offsets = true
			return p.offsets(&e)
		}
		return p.fail("keys dtype, shape and data_offsets", "key "+tensorfile.Quote(key))
	})
	if err == nil && !(dtype && shape && offsets) {
		err = p.fail("keys dtype, shape and data_offsets", fmt.Sprintf("dtype %s, shape %s, data_offsets %s",
			presence(dtype), presence(shape), presence(offsets)))
	}
	return e, err
}

func presence(there bool) string {
	if there {
		return "present"
	}
	return "missing"
}

func (p *headerParser) dtype(e *entry) error {
	s, err := p.string("a string for dtype")
	if err != nil {
		return err
	}
	e.dtype = DType(s)
	if e.dtype.Size() == 0 {
		return mismatch(p.file, p.tensor, "dtype "+knownDTypes, "dtype "+tensorfile.Quote(s),
			"export the tensor in one of these types")
	}
	return nil
}

func (p *headerParser) shape(e *entry) error {
	e.shape = []int{}
	return p.integers("shape", func(v int64) error {
		if int64(int(v)) != v {
			return p.fail("a dimension that fits this machine's int", strconv.FormatInt(v, 10))
		}
		e.shape = append(e.shape, int(v))
		return nil
	})
}

func (p *headerParser) offsets(e *entry) error {
	count := 0
	err := p.integers("data_offsets", func(v int64) error {
		switch count {
		case 0:
			e.begin = v
		case 1:
			e.end = v
		default:
			return p.fail("two data_offsets", "more than two")
		}
		count++
		return nil
	})
	if err != nil {
		return err
	}
	if count != 2 {
		return p.fail("two data_offsets", strconv.Itoa(count))
	}
	if e.begin > e.end {
		return p.fail("data_offsets with begin <= end", fmt.Sprintf("[%d, %d]", e.begin, e.end))
	}
	return nil
}

// integers reads a JSON array of whole numbers from 0 to 2^63-1.
func (p *headerParser) integers(what string, each func(int64) error) error {
	if err := p.delim('[', "an array for "+what); err != nil {
		return err
	}
	expected := "whole numbers from 0 to 2^63-1 in " + what
	for p.json.More() {
		t, err := p.json.Token()
		if err != nil {
			return p.syntax(expected, err)
		}
		n, ok := t.(json.Number)
		if !ok {
			return p.unexpected(expected, t)
		}
		v, err := strconv.ParseUint(string(n), 10, 63)
		if err != nil {
			return p.unexpected(expected, t)
		}
		if err := each(int64(v)); err != nil {
			return err
		}
	}
	return p.delim(']', "the end of "+what)
}
