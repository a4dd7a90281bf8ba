package safetensors

import (
	"errors"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Tensor is one tensor of an open file. Shape is shared with the file and must
// not be modified; it is empty for a scalar.
type Tensor struct {
	Name  string
	DType DType
	Shape []int

	file       *File
	begin, end int // bytes of the file's data section
}

// Elements returns the product of the shape, 1 for a scalar.
func (t Tensor) Elements() int {
	n, _ := tensorfile.Elements(t.Shape) // of a header that was checked
	return n
}

// Bytes returns the tensor as it lies in the file, little-endian and
// row-major, or nil once the file is closed. The slice is read-only (writing to
// it may kill the process) and valid until Close.
func (t Tensor) Bytes() []byte {
	if t.file == nil {
		return nil
	}
	t.file.mu.RLock()
	defer t.file.mu.RUnlock()
	if t.file.section == nil {
		return nil
	}
	return t.file.section[t.begin:t.end:t.end]
}

// Float32s fills dst with the tensor's values in row-major order. F32, F16 and
// BF16 are exact; F64 is rounded to nearest, to an infinity beyond float32's
// range. It returns an error, with dst in no defined state, where dst has not
// Elements values, the dtype is another, the file is closed, or the file has
// been cut short since it was opened.
func (t Tensor) Float32s(dst []float32) error {
	convert := converter(t.DType)
	var straight []byte
	if t.DType == F32 {
		straight = tensorfile.BytesOf(dst)
	}
	err := t.read(len(dst), "dtype F32, F16, BF16 or F64", convert != nil, straight, func(data []byte) { convert(dst, data) })
	if err == nil && t.DType == F32 {
		tensorfile.SwapIfBigEndian(dst)
	}
	return err
}

// Int8s is Float32s for a tensor of I8.
func (t Tensor) Int8s(dst []int8) error {
	straight := tensorfile.Int8Bytes(dst)
	return t.read(len(dst), "dtype I8", t.DType == I8, straight, func(data []byte) { copy(straight, data) })
}

// read reads a tensor into room for so many values, if its type is one of the expected.
// straight is the room for types whose values are as they are in the file, but for their
// order of bytes: a read puts these where they are wanted, while through the mapping they
// would be in the process's memory twice. Others are converted from there.
func (t Tensor) read(room int, expected string, fits bool, straight []byte, convert func(data []byte)) error {
	if t.file == nil {
		return errors.New("safetensors: expected a tensor of an open file, found one made by hand; take it from File.Tensor")
	}
	f := t.file
	fail := func(expected, found, advice string) error {
		return mismatch(f.name, t.Name, expected, found, advice)
	}
	if !fits {
		return tensorfile.UnreadType(fail(expected, "dtype "+string(t.DType), "read it with Bytes, or export it as F32"))
	}
	if n := (t.end - t.begin) / t.DType.Size(); room != n {
		return fail(fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(t.Shape)),
			fmt.Sprintf("%d", room), "pass a slice of Elements values")
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.section == nil {
		return fail("an open file", "a closed one", "close the file after the last read")
	}
	if straight != nil && f.reader != nil {
		offset := f.size - int64(len(f.section)) + int64(t.begin)
		if _, err := f.reader.ReadAt(straight, offset); err != nil {
			return cutShort(f.name, t.Name)
		}
		return nil
	}
	return guardFaults(f.name, t.Name, func() error {
		if straight != nil {
			copy(straight, f.section[t.begin:t.end])
		} else {
			convert(f.section[t.begin:t.end])
		}
		return nil
	})
}
