package pytorch

import "github.com/seed-fb2c0fa6/inception/weights/tensorfile"

// What to do about a file that breaks the format.
const (
	copyAgain = "copy or download the file again"
	saveAgain = "save the network's state_dict() again with torch.save"
)

// A complainer makes errors about a file.
type complainer struct{ file string }

func (c complainer) mismatch(tensor, expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: "pytorch", File: c.file, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}
