package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
)

// reportLeftOut says what a folder or a set has that is not among its images. That there
// are folders which cannot be read is a failure, which it returns.
func reportLeftOut(stderr io.Writer, folder string, left dataset.LeftOut) (failed bool) {
	for _, u := range left.Unreadable {
		fmt.Fprintf(stderr, "inception: %s: %s cannot be read, so that images may be missing: %v\n", printable.Line(folder), printable.Line(u.Name), u.Err)
	}
	for _, name := range left.Circles {
		fmt.Fprintf(stderr, "inception: %s: %s leads back to a folder around it, and is not followed\n", printable.Line(folder), printable.Line(name))
	}
	if n := len(left.Images); n > 0 {
		const most = 20
		var names []string
		for _, f := range left.Images[:min(n, most)] {
			names = append(names, fmt.Sprintf("%s (%s)", printable.Line(f.Name), f.Format))
		}
		if n > most {
			names = append(names, fmt.Sprintf("and %d more", n-most))
		}
		what := "1 file looks like an image of a format that is not read, and is"
		if n > 1 {
			what = fmt.Sprintf("%d files look like images of formats that are not read, and are", n)
		}
		fmt.Fprintf(stderr, "inception: %s: %s left out: %s; convert to JPEG or PNG what is to be among the images\n",
			printable.Line(folder), what, strings.Join(names, ", "))
	}
	return len(left.Unreadable) > 0
}
