package safetensors

import "github.com/seed-fb2c0fa6/inception/weights/tensorfile"

// What to do about a file that breaks the format.
const (
	downloadAgain = "download or copy the file again"
	exportAgain   = "the program that wrote the file broke the format: export it again with the safetensors library"
)

// mismatch is a complaint about a file's contents.
func mismatch(file, tensor, expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: "safetensors", File: file, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}
