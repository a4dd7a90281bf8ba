package safetensors

import "bytes"

// A foreignFormat is a kind of file that people have in place of safetensors.
type foreignFormat struct {
	is     func(data []byte) bool
	found  string
	advice string
}

const convert = "convert it to safetensors first"

func foreignFormats() []foreignFormat {
	return []foreignFormat{
		{at(0, "PK\x03\x04"), "a zip archive, the form of a PyTorch .pth or .pt file", convert},
		{at(0, "\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"), "a pickle, the form of an old PyTorch file", convert},
		{at(0, "\x89HDF\r\n\x1a\n"), "an HDF5 file, the form of Keras weights", convert},
		{at(4, "TFL3"), "a TensorFlow Lite model, whose batch norm is folded into its weights", "take the checkpoint that it was made from, and " + convert},
		{isONNX, "an ONNX model", "take the checkpoint that it was exported from, or " + convert},
		{isShardIndex, "the index of weights that are divided into several files", "open one of these files, or all as one by the index with weights.Open"},
		{isJSON, "a JSON file", "give the file of weights beside it"},
		{at(0, "version https://git-lfs"), "a Git LFS pointer, not the file that it points to", "fetch the file itself with git lfs pull"},
		{at(0, "<"), "a web page or XML, not weights", "check the address and " + downloadAgain},
	}
}

// at tells data that have one of the given bytes at a place.
func at(place int, magics ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, magic := range magics {
			if len(data) > place && bytes.HasPrefix(data[place:], []byte(magic)) {
				return true
			}
		}
		return false
	}
}

// isONNX tells a ModelProto: its first field is ir_version (1), a small number, before
// one of the fields up to 8 that are delimited by a length.
func isONNX(data []byte) bool {
	const irVersion, newest, delimited = 1 << 3, 64, 2
	return len(data) > 3 && data[0] == irVersion && 0 < data[1] && data[1] < newest && data[2]&7 == delimited && 2 <= data[2]>>3 && data[2]>>3 <= 8
}

func isJSON(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data[:min(len(data), 64)], " \t\r\n"), []byte("{"))
}

func isShardIndex(data []byte) bool {
	return isJSON(data) && bytes.Contains(data, []byte(`"weight_map"`))
}

// recognize returns the foreign format that data are of, nil for none. It is for files
// already known to break this format: the first bytes of a good file are its header
// length and may equal any of these.
func recognize(data []byte) *foreignFormat {
	for _, f := range foreignFormats() {
		if f.is(data) {
			return &f
		}
	}
	return nil
}
