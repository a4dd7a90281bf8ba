package npz

import "github.com/seed-fb2c0fa6/inception/weights/tensorfile"

// What to do about a file that breaks the format.
const (
	copyAgain = "copy or download the file again"
	saveAgain = "save the arrays again with numpy.savez"
)

// A complainer makes an error about one entry, or about the file where it has none.
type complainer struct{ file, entry string }

func (c complainer) mismatch(expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: "npz", File: c.file, Tensor: c.entry, Expected: expected, Found: found, Advice: advice}
}
