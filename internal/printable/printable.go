// Package printable writes names of files where not every byte may stand.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// UTF8 returns a name in UTF-8, with bytes that are not as \xff, so that names which differ
// stay different.
func UTF8(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return escaped(name, func(rune) bool { return false })
}

// Line returns a name as UTF8 does, and what would move a terminal's cursor or change its
// colours as \x1b.
func Line(name string) string {
	control := func(r rune) bool { return unicode.IsControl(r) }
	if utf8.ValidString(name) && strings.IndexFunc(name, control) < 0 {
		return name
	}
	return escaped(name, control)
}

func escaped(name string, also func(rune) bool) string {
	var b strings.Builder
	for name != "" {
		r, size := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && size == 1 || also(r) {
			for i := range size {
				fmt.Fprintf(&b, `\x%02x`, name[i])
			}
		} else {
			b.WriteString(name[:size])
		}
		name = name[size:]
	}
	return b.String()
}
