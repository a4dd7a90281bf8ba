package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A Constant is an initialiser of a model that is written. Where its elements come from
// follows from their type.
type Constant struct {
	Name  string
	Type  ElementType
	Shape []int
	// Values fills dst, which comes zeroed, with elements of Float32, or of BFloat16, which
	// are rounded to it, to nearest.
	Values func(dst []float32) error
	// Int8s fills dst, which comes zeroed, with elements of Int8.
	Int8s func(dst []int8) error
	// Integers are elements of Int32 or Uint8.
	Integers []int32
}

// memorySize is how many bytes of memory an element takes while it is written.
const memorySize = 4

func (c Constant) elements() int {
	n, _ := tensorfile.Elements(c.Shape)
	return n
}

// bytes is how many the elements have in a file.
func (c Constant) bytes() int64 { return int64(c.elements()) * int64(sizeOf(uint64(c.Type))) }

// complete reports whether the constant has elements of its type.
func (c Constant) complete() bool {
	switch c.Type {
	case Float32, BFloat16:
		return c.Values != nil
	case Int8:
		return c.Int8s != nil
	case Int32, Uint8:
		return len(c.Integers) == c.elements()
	}
	return false
}

// encode returns the elements as they are in a file, in the given memory, which has room
// for as many float32.
func (c Constant) encode(memory []float32) ([]byte, error) {
	n := c.elements()
	memory = memory[:n]
	clear(memory)
	data := tensorfile.BytesOf(memory)
	switch c.Type {
	case Float32, BFloat16:
		if err := c.Values(memory); err != nil {
			return nil, err
		}
		if c.Type == BFloat16 {
			return roundToBFloat16(memory), nil
		}
		tensorfile.SwapIfBigEndian(memory)
	case Int8:
		if err := c.Int8s(unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(memory))), n)); err != nil {
			return nil, err
		}
		data = data[:n]
	case Int32:
		for i, v := range c.Integers {
			binary.LittleEndian.PutUint32(data[4*i:], uint32(v))
		}
	case Uint8:
		for i, v := range c.Integers {
			data[i] = uint8(v)
		}
		data = data[:n]
	}
	return data, nil
}

// roundToBFloat16 rounds values to nearest, to even where two are, in their own memory.
func roundToBFloat16(values []float32) []byte {
	data := tensorfile.BytesOf(values)
	for i, v := range values {
		bits := math.Float32bits(v)
		rounded := (bits + 0x7fff + bits>>16&1) >> 16
		if v != v {
			rounded = bits>>16 | 1<<6 // which stays no number
		}
		binary.LittleEndian.PutUint16(data[2*i:], uint16(rounded))
	}
	return data[:2*len(values)]
}

// eachConstant produces the elements of one constant after the other. Their memory is used
// again for the next.
func eachConstant(constants []Constant, use func(data []byte) error) error {
	largest := 0
	for _, c := range constants {
		largest = max(largest, c.elements())
	}
	memory := make([]float32, largest)
	for _, c := range constants {
		data, err := c.encode(memory)
		if err != nil {
			return fmt.Errorf("tensor %s: producing its %d values: %w", tensorfile.Quote(c.Name), c.elements(), err)
		}
		if err := use(data); err != nil {
			return err
		}
	}
	return nil
}
