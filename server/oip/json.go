package oip

import (
	"bytes"
	"encoding/json"
	"slices"
)

// maxDepth is how deep the arrays and objects of a request may be nested: a tensor of four
// dimensions has eight. maxParts is how many brackets, colons and commas there may be beside
// the images: a few bytes of text become an object of hundreds of bytes.
const maxDepth, maxParts = 32, 10_000

// CheckJSON refuses JSON that is nested too deep, or has too many parts, before anything is
// made of it. Not counted are the values at large paths, whose last part is a member of an
// object, and "*" before it for the elements of an array: who reads these counts them.
func CheckJSON(text []byte, large ...[]string) error {
	s := structure{text: text}
	var at [maxDepth + 1][]byte // by depth: the member's name, or * in an array
	parts, uncounted := 0, 0    // and how deep the large value is that s is in
	for {
		c, ok := s.next()
		switch {
		case !ok || s.depth < 0: // the rest is no JSON
			return nil
		case s.depth > maxDepth:
			return faultf("the JSON is nested deeper than %d, at byte %d", maxDepth, s.at-1)
		case uncounted > 0:
			if s.depth < uncounted {
				uncounted = 0
			}
			continue
		}
		if parts++; parts > maxParts {
			return faultf("the JSON has more than %d elements and members beside the images, at byte %d", maxParts, s.at-1)
		}
		switch c {
		case ':':
			at[s.depth] = s.quoted
		case '[', '{':
			at[s.depth] = []byte("*")
			isHere := func(path []string) bool {
				return slices.EqualFunc(path, at[1:s.depth], func(name string, here []byte) bool { return name == string(here) })
			}
			if slices.ContainsFunc(large, isHere) {
				uncounted = s.depth
			}
		}
	}
}

// Elements divides JSON that is an array, or an object into its members, of which it returns
// no more than most, and how many there are. The parts are within the text.
func Elements(text []byte, most int) (parts []json.RawMessage, count int) {
	s := structure{text: text}
	from := 0
	for {
		c, ok := s.next()
		if !ok {
			return parts, count
		}
		switch {
		case s.depth == 1 && from == 0:
			from = s.at
		case s.depth == 1 && c == ',' || s.depth == 0:
			part := bytes.TrimSpace(text[from : s.at-1])
			if len(part) > 0 {
				if count++; count <= most {
					parts = append(parts, json.RawMessage(part))
				}
			}
			from = s.at
		}
	}
}

// A structure finds the brackets, colons and commas of JSON that are in no string.
type structure struct {
	text   []byte
	at     int    // behind the last one
	depth  int    // of brackets that are open then
	quoted []byte // what the last string has between its quotes
}

func (s *structure) next() (c byte, ok bool) {
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch c {
		case '"':
			from := s.at
			for s.at < len(s.text) && s.text[s.at] != '"' {
				if s.text[s.at] == '\\' {
					s.at++
				}
				s.at++
			}
			s.quoted = s.text[from:min(s.at, len(s.text))]
			s.at++
		case '[', '{':
			s.depth++
			return c, true
		case ']', '}':
			s.depth--
			return c, true
		case ',', ':':
			return c, true
		}
	}
	return 0, false
}
