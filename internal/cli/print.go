package cli

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// shapeText writes a shape such as 35 x 35 x 384.
func shapeText(shape []int) string {
	text := make([]string, len(shape))
	for i, n := range shape {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, " x ")
}

// count writes a number with commas between thousands, and nothing for zero.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func printJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
