package tensorflow

import (
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// What to do about a file that breaks the format.
const (
	copyAgain = "copy or download the file again"
	saveAgain = "save the checkpoint again with tf.train.Saver"
)

// A complainer makes errors about a file of a format.
type complainer struct{ format, file string }

func (c complainer) mismatch(tensor, expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: c.format, File: c.file, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}
