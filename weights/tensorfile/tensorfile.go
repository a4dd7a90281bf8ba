// Package tensorfile says what the formats of files of weights have in common: named
// tensors that are read one at a time, and metadata beside them. Each format is a
// package of its own, which knows no other format and no network.
package tensorfile

import (
	"fmt"
	"slices"
	"sort"
	"unsafe"
)

// A File is an open file of named tensors. Its methods and those of its tensors may be
// called from several goroutines at once.
type File interface {
	// Tensors returns the tensors in the order of the file.
	Tensors() []Tensor
	// Metadata returns what the file says about itself; nil where it says nothing.
	Metadata() map[string]string
	// Size returns the bytes of the whole file.
	Size() int64
	// Close releases the file. Tensors must not be read afterwards.
	Close() error
}

// A Parted is a File that consists of several files.
type Parted interface {
	// Parts returns the paths of all of them.
	Parts() []string
}

// A Tensor is one tensor of an open file, or one that is to be written.
type Tensor struct {
	// Name is the tensor's in the file.
	Name string
	// DType is the type of the elements as the format spells it. Writers store float32, or
	// 8-bit integers where there is Int8s, whatever it is.
	DType string
	// Shape is empty for a scalar. It must not be modified.
	Shape []int
	// Values fills dst, which has Elements values, in row-major order. For a writer it
	// comes zeroed, and is used again for the next tensor. What is of a type that is not read
	// is an error made by UnreadType.
	Values func(dst []float32) error
	// Int8s is what Values is, for elements that are signed integers of 8 bits; nil where
	// they are not.
	Int8s func(dst []int8) error
}

// ElementSize is how many bytes an element of a tensor has that is written.
func (t Tensor) ElementSize() int {
	if t.Int8s != nil {
		return 1
	}
	return 4
}

// EachBytes produces the values of one tensor after the other, little-endian, as they are
// written. The memory of the data is used again for the next.
func EachBytes(tensors []Tensor, use func(t Tensor, data []byte) error) error {
	largest := 0 // in float32 values
	for _, t := range tensors {
		largest = max(largest, (t.Elements()*t.ElementSize()+3)/4)
	}
	buffer := make([]float32, largest)
	for _, t := range tensors {
		n := t.Elements()
		data := BytesOf(buffer)[:n*t.ElementSize()]
		clear(data)
		var err error
		if t.Int8s != nil {
			err = t.Int8s(unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(buffer))), n))
		} else {
			err = t.Values(buffer[:n])
			SwapIfBigEndian(buffer[:n])
		}
		if err != nil {
			return fmt.Errorf("tensor %s: producing its %d values: %w", Quote(t.Name), n, err)
		}
		if err := use(t, data); err != nil {
			return err
		}
	}
	return nil
}

// Sorted returns the tensors in the order of their names, in which files hold them: so
// equal tensors give equal files.
func Sorted(tensors []Tensor) []Tensor {
	sorted := slices.Clone(tensors)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Name < sorted[j].Name })
	return sorted
}

// Elements returns the product of the shape, 1 for a scalar; 0 for a shape that the
// function Elements refuses.
func (t Tensor) Elements() int {
	n, _ := Elements(t.Shape)
	return n
}
