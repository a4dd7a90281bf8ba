package safetensors

import (
	"encoding/binary"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Recognise reports whether a file begins as one of this format does: with the length
// of a header and the brace that opens it.
func Recognise(s tensorfile.Sample) bool {
	return len(s.Head) > lengthBytes && s.Head[lengthBytes] == '{' && binary.LittleEndian.Uint64(s.Head) <= headerLimit
}

// OpenTensors opens a file as Open does, for those who take any format.
func OpenTensors(path string) (tensorfile.File, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	return anyFile{f}, nil
}

// anyFile is a File without what only this format has.
type anyFile struct{ *File }

func (f anyFile) Tensors() []tensorfile.Tensor {
	tensors := make([]tensorfile.Tensor, len(f.tensors))
	for i, t := range f.tensors {
		tensors[i] = tensorfile.Tensor{Name: t.Name, DType: string(t.DType), Shape: t.Shape, Values: t.Float32s}
		if t.DType == I8 {
			tensors[i].Int8s = t.Int8s
		}
	}
	return tensors
}
