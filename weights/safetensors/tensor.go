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
	if t.file == nil {
		return errors.New("safetensors: expected a tensor of an open file, found one made by hand; take it from File.Tensor")
	}
	f := t.file
	fail := func(expected, found, advice string) error {
		return mismatch(f.name, t.Name, expected, found, advice)
	}
	convert := converter(t.DType)
	if convert == nil {
		return fail("dtype F32, F16, BF16 or F64", "dtype "+string(t.DType), "read it with Bytes, or export it as F32")
	}
	if n := (t.end - t.begin) / t.DType.Size(); len(dst) != n {
		return fail(fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(t.Shape)),
			fmt.Sprintf("%d", len(dst)), "pass a slice of Elements values")
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.section == nil {
		return fail("an open file", "a closed one", "close the file after the last read")
	}
	if t.DType == F32 && f.reader != nil {
		// A read puts the values where they are wanted; through the mapping they would
		// be in the process's memory twice.
		offset := f.size - int64(len(f.section)) + int64(t.begin)
		if _, err := f.reader.ReadAt(tensorfile.BytesOf(dst), offset); err != nil {
			return cutShort(f.name, t.Name)
		}
		tensorfile.SwapIfBigEndian(dst)
		return nil
	}
	return guardFaults(f.name, t.Name, func() error {
		convert(dst, f.section[t.begin:t.end])
		return nil
	})
}
