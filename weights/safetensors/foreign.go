package safetensors

import "bytes"

// A foreignFormat is a kind of file that people have in place of safetensors.
type foreignFormat struct {
	magic  string
	found  string
	advice string
}

const convert = "convert it to safetensors first"

var foreignFormats = []foreignFormat{
	{"PK\x03\x04", "a zip archive, the form of a PyTorch .pth or .pt file", convert},
	{"\x80\x02", "a pickle, the form of an old PyTorch file", convert},
	{"\x80\x03", "a pickle, the form of an old PyTorch file", convert},
	{"\x80\x04", "a pickle, the form of an old PyTorch file", convert},
	{"\x80\x05", "a pickle, the form of an old PyTorch file", convert},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file, the form of Keras weights", convert},
	{"version https://git-lfs", "a Git LFS pointer, not the file that it points to", "fetch the file itself with git lfs pull"},
	{"<", "a web page or XML, not weights", "check the address and " + downloadAgain},
}

// recognize returns the foreign format that data begins as, nil for none. It
// is for files already known to break this format: the first bytes of a good
// file are its header length and may equal any of these.
func recognize(data []byte) *foreignFormat {
	for i := range foreignFormats {
		if bytes.HasPrefix(data, []byte(foreignFormats[i].magic)) {
			return &foreignFormats[i]
		}
	}
	return nil
}
