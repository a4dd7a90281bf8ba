package textfile

import (
	"fmt"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	const want = "1 a|2 b c|"
	for name, data := range map[string]string{
		"plain":        "a\nb c",
		"end":          "a\nb c\n",
		"windows":      "a\r\nb c\r\n",
		"mark":         "\xef\xbb\xbfa\nb c\n",
		"little":       "\xff\xfea\x00\n\x00b\x00 \x00c\x00",
		"big":          "\xfe\xff\x00a\x00\n\x00b\x00 \x00c",
		"empty at end": "a\nb c\n\n \n",
	} {
		if got := joined(data); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for data, want := range map[string]string{
		"":                             "",
		"# classes\n\n#\na\n#x\nb\n":   "4 a|6 b|",
		"a\n\n\nb\n\n":                 "1 a|2 |3 |4 b|",
		"\xef\xbb\xbf# first\r\na\r\n": "2 a|",
		"n1\ttab\tcat \t\n":            "1 n1\ttab\tcat|",
	} {
		if got := joined(data); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}

func joined(data string) string {
	var b strings.Builder
	for number, line := range Lines([]byte(data)) {
		fmt.Fprintf(&b, "%d %s|", number, line)
	}
	return b.String()
}
