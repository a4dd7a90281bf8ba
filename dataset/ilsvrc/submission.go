package ilsvrc

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// WriteSubmission writes what ILSVRC-2012's test server takes: for each of the images of
// a set, in their order, a line with the ILSVRC2012_ID of its classes, the most probable
// first. best has the labels of these, from 0, as evaluate's Report.Best returns them; the
// set's classes are those of ReadSynsets. Fewer lines than images are an error.
func WriteSubmission(w io.Writer, best [][]int, images int) error {
	if len(best) != images {
		return fmt.Errorf("a submission has a line for every image, but of %d images %d have a prediction; evaluate all", images, len(best))
	}
	b := bufio.NewWriter(w)
	for _, labels := range best {
		for i, label := range labels {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(strconv.Itoa(label + 1))
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}
