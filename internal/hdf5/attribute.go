package hdf5

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// textLimit bounds the bytes of an object's attributes.
const textLimit = 64 << 20

// inObject says which object an error is about.
func inObject(path string, err error) error {
	if path == "" {
		return err
	}
	if len(path) > 200 {
		path = path[:200] + "..."
	}
	return fmt.Errorf("%s: %w", path, err)
}

// attributes returns those that are text.
func (f *File) attributes(messages []message) (map[string][]string, error) {
	text, total := map[string][]string{}, 0
	take := func(data []byte) error {
		name, values, err := f.attribute(data)
		if err != nil || values == nil {
			return err
		}
		for _, v := range values {
			total += len(v)
		}
		if total > textLimit {
			return broken("attributes of more than %d bytes", textLimit)
		}
		text[name] = values
		return nil
	}
	for _, m := range messages {
		switch {
		case m.kind == messageAttribute && m.flags&flagShared == 0:
			if err := take(m.data); err != nil {
				return nil, err
			}
		case m.kind == messageAttributeInfo:
			c := f.cursorOf(m.data, "the place of attributes")
			c.version(0)
			if c.byte()&1 != 0 {
				c.bytes(2)
			}
			heap, tree := c.address(), c.address()
			if c.failure != nil {
				return nil, c.failure
			}
			if heap == undefined || tree == undefined {
				continue
			}
			if err := f.eachHeaped(heap, tree, 8, 0, take); err != nil {
				return nil, err
			}
		}
	}
	return text, nil
}

// attribute reads a message; values are nil for what is no text.
func (f *File) attribute(data []byte) (name string, values []string, err error) {
	c := f.cursorOf(data, "an attribute")
	version := c.version(1, 2, 3)
	flags := c.byte()
	sizes := [3]int{int(c.number(2)), int(c.number(2)), int(c.number(2))} // of name, type and shape
	if version == 3 {
		c.byte()
	}
	var parts [3][]byte
	for i, n := range sizes {
		begin := c.at
		parts[i] = c.bytes(n)
		if version == 1 {
			c.padTo(begin, 8)
		}
	}
	if c.failure != nil {
		return "", nil, c.failure
	}
	name, _, _ = strings.Cut(string(parts[0]), "\x00")
	if version > 1 && flags&3 != 0 {
		return name, nil, nil // its type is elsewhere: a named one, which Keras has none of
	}
	t, err := f.datatype(parts[1])
	if err != nil || !t.isText() {
		return name, nil, err
	}
	shape, null, err := f.dataspace(parts[2])
	if err != nil || null {
		return name, nil, err
	}
	count := 1
	for _, n := range shape {
		if n > len(data) || count*n > len(data) {
			return name, nil, broken("the attribute %.100q of %v strings in %d bytes", name, shape, len(data))
		}
		count *= n
	}
	values = make([]string, count)
	for i := range values {
		if values[i], err = f.text(c, t); err != nil {
			return name, nil, err
		}
	}
	return name, values, c.failure
}

// text reads one string.
func (f *File) text(c *cursor, t Type) (string, error) {
	var data []byte
	if t.class == classString {
		data = c.bytes(t.Size)
	} else {
		n, address, index := c.number(4), c.address(), c.number(4)
		if c.failure != nil || n == 0 || address == 0 {
			return "", c.failure
		}
		found, err := f.globalObject(address, index)
		if err != nil {
			return "", err
		}
		if n > uint64(len(found)) {
			return "", broken("a string of %d bytes where there are %d", n, len(found))
		}
		data = found[:n]
	}
	text := strings.TrimRight(string(data), "\x00")
	if !utf8.ValidString(text) {
		return "", broken("text that is not UTF-8")
	}
	return text, c.failure
}
