package safetensors

import (
	"fmt"
	"strings"
)

// quoteLimit bounds, in bytes, what an error repeats of a file's own text: a
// hostile header may hold a name of a hundred megabytes.
const quoteLimit = 200

// What to do about a file that breaks the format.
const (
	downloadAgain = "download or copy the file again"
	exportAgain   = "the program that wrote the file broke the format: export it again with the safetensors library"
)

// mismatch is the form of every complaint about a file's contents. An empty
// tensor means that the complaint is about the file as a whole.
type mismatch struct {
	file, tensor    string
	expected, found string
	advice          string
}

func (m *mismatch) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "safetensors: %s: ", m.file)
	if m.tensor != "" {
		fmt.Fprintf(&b, "tensor %s: ", quote(m.tensor))
	}
	fmt.Fprintf(&b, "expected %s, found %s; %s", m.expected, m.found, m.advice)
	return b.String()
}

// quote returns s in quotes, cut at quoteLimit.
func quote(s string) string {
	if len(s) > quoteLimit {
		return fmt.Sprintf("%q... (%d bytes)", s[:quoteLimit], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// showShape returns a shape for an error, however many dimensions it claims.
func showShape(shape []int) string {
	const most = 16
	if len(shape) > most {
		return fmt.Sprintf("%v... (%d dimensions)", shape[:most], len(shape))
	}
	return fmt.Sprint(shape)
}
