// Package textfile reads lists in text files as people's programs write them: with a byte
// order mark or without, with either end of line, with comments.
package textfile

import (
	"bytes"
	"encoding/binary"
	"iter"
	"strings"
	"unicode/utf16"
)

// Text returns the text of a file without its byte order mark. UTF-16, which only a mark
// tells, becomes UTF-8; other bytes stay as they are.
func Text(data []byte) string {
	for mark, order := range map[string]binary.ByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
		rest, ok := bytes.CutPrefix(data, []byte(mark))
		if !ok {
			continue
		}
		units := make([]uint16, len(rest)/2)
		for i := range units {
			units[i] = order.Uint16(rest[2*i:])
		}
		return string(utf16.Decode(units))
	}
	return string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}

// Lines yields the lines of a file with their numbers from 1, without their ends and the
// spaces before these. Comments, which are lines that begin with #, and what empty lines
// there are before the first and after the last other one are left out.
func Lines(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		number, begun, empty := 0, false, 0
		for line := range strings.SplitSeq(strings.ReplaceAll(Text(data), "\r\n", "\n"), "\n") {
			number++
			line = strings.TrimRight(line, " \r\t")
			switch {
			case strings.HasPrefix(line, "#"):
				continue
			case line == "":
				if begun {
					empty++
				}
				continue
			}
			for ; empty > 0; empty-- {
				if !yield(number-empty, "") {
					return
				}
			}
			begun = true
			if !yield(number, line) {
				return
			}
		}
	}
}
