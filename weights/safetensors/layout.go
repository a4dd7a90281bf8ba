package safetensors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// checkLayout sorts the entries by their offsets and checks that they cover
// the section of length bytes exactly, each with the bytes its shape needs.
func checkLayout(file string, entries []entry, length int64) error {
	// Empty tensors sort before the one that begins where they lie.
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), strings.Compare(a.name, b.name))
	})
	var covered int64
	previous := ""
	for _, e := range entries {
		fail := func(expected, found, advice string) error {
			return mismatch(file, e.name, expected, found, advice)
		}
		offsets := func() string { return fmt.Sprintf("data_offsets [%d, %d]", e.begin, e.end) }
		want, ok := tensorfile.ByteLength(e.shape, e.dtype.Size())
		switch {
		case !ok:
			return fail("a shape whose bytes fit this machine's int",
				fmt.Sprintf("shape %s of %s", tensorfile.ShapeText(e.shape), e.dtype), exportAgain)
		case int64(want) != e.end-e.begin:
			return fail(fmt.Sprintf("%d bytes for shape %s of %s", want, tensorfile.ShapeText(e.shape), e.dtype),
				fmt.Sprintf("%d bytes at %s", e.end-e.begin, offsets()), exportAgain)
		case e.begin < covered:
			return fail(fmt.Sprintf("bytes from %d on, after tensor %s", covered, tensorfile.Quote(previous)),
				"an overlap at "+offsets(), exportAgain)
		case e.begin > covered:
			return fail(fmt.Sprintf("bytes from %d on, with no hole before them", covered), offsets(), exportAgain)
		case e.end > length:
			return fail(fmt.Sprintf("%d bytes of data in the file for %s", e.end, offsets()),
				fmt.Sprintf("%d", length), "the file is cut short: "+downloadAgain)
		}
		covered, previous = e.end, e.name
	}
	if covered != length {
		return mismatch(file, "", fmt.Sprintf("%d bytes of data, the end of the last tensor", covered),
			fmt.Sprintf("%d", length), "the file has bytes that belong to no tensor: "+downloadAgain)
	}
	return nil
}
