package tensorflow

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A dtype is a type of elements by its number in tensorflow/core/framework/types.proto.
type dtype int

const (
	float32Type  dtype = 1
	float64Type  dtype = 2
	stringType   dtype = 7
	int64Type    dtype = 9
	resourceType dtype = 20
	bfloat16Type dtype = 14
	float16Type  dtype = 19
	refTypes     dtype = 100 // added for a reference to a variable
)

func (d dtype) String() string {
	names := map[dtype]string{
		1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64", 9: "int64",
		10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
	}
	if name, ok := names[d]; ok {
		return name
	}
	return fmt.Sprintf("type %d", int(d))
}

// size returns the bytes of an element, 0 where they have none of their own.
func (d dtype) size() int {
	switch d {
	case 4, 6, 10:
		return 1
	case 5, 14, 17, 19:
		return 2
	case 1, 3, 22:
		return 4
	case 2, 8, 9, 23:
		return 8
	case 18:
		return 16
	}
	return 0
}

// converter returns the function that converts little-endian elements, nil for a type that
// is not one of the types read as float32.
func (d dtype) converter() func(dst []float32, src []byte) {
	switch d {
	case float32Type:
		return tensorfile.FromF32
	case float64Type:
		return tensorfile.FromF64
	case bfloat16Type:
		return tensorfile.FromBF16
	case float16Type:
		return tensorfile.FromF16
	}
	return nil
}

// rankLimit is TensorFlow's own bound of the axes of a tensor.
const rankLimit = 254

// shapeOf reads a TensorShapeProto.
func shapeOf(message []byte) ([]int, error) {
	shape := []int{}
	err := wire.Each(message, func(f wire.Field) error {
		switch f.Number {
		case 2:
			n := 0
			if err := wire.Each(f.Data, func(f wire.Field) error {
				if f.Number == 1 {
					if f.Bits > math.MaxInt {
						return fmt.Errorf("%w: a dimension of %d", wire.ErrBroken, int64(f.Bits))
					}
					n = int(f.Bits)
				}
				return nil
			}); err != nil {
				return err
			}
			if shape = append(shape, n); len(shape) > rankLimit {
				return fmt.Errorf("%w: more than %d dimensions", wire.ErrBroken, rankLimit)
			}
		case 3:
			if f.Bits != 0 {
				return fmt.Errorf("%w: a shape of unknown rank", wire.ErrBroken)
			}
		}
		return nil
	})
	if _, ok := tensorfile.Elements(shape); err == nil && !ok {
		err = fmt.Errorf("%w: a shape of too many elements, %s", wire.ErrBroken, tensorfile.ShapeText(shape))
	}
	return shape, err
}

// A slice is a part of a tensor: where it begins and its length along each axis. Unsaid are
// the axes whose length the file leaves out, for they are whole.
type slice struct {
	start, length []int
	unsaid        []bool
}

// sliceOf reads a TensorSliceProto of a tensor of a shape; lengths that are left out are
// the whole axis.
func sliceOf(message []byte, shape []int) (slice, error) {
	s := slice{make([]int, len(shape)), append([]int(nil), shape...), make([]bool, len(shape))}
	axis := 0
	err := wire.Each(message, func(f wire.Field) error {
		if f.Number != 1 {
			return nil
		}
		if axis >= len(shape) {
			return fmt.Errorf("%w: a slice of more axes than its tensor", wire.ErrBroken)
		}
		whole := true
		if err := wire.Each(f.Data, func(f wire.Field) error {
			if f.Kind != protowire.VarintType || f.Bits > math.MaxInt {
				return fmt.Errorf("%w: a slice outside its tensor", wire.ErrBroken)
			}
			switch f.Number {
			case 1:
				s.start[axis] = int(f.Bits)
			case 2:
				s.length[axis], whole = int(f.Bits), false
			}
			return nil
		}); err != nil {
			return err
		}
		if whole && s.start[axis] != 0 || s.start[axis] > shape[axis] || s.length[axis] > shape[axis]-s.start[axis] {
			return fmt.Errorf("%w: a slice outside its tensor", wire.ErrBroken)
		}
		s.unsaid[axis] = whole
		axis++
		return nil
	})
	if err == nil && axis != 0 && axis != len(shape) {
		err = fmt.Errorf("%w: a slice of fewer axes than its tensor", wire.ErrBroken)
	}
	return s, err
}

func (s slice) elements() int {
	n, _ := tensorfile.Elements(s.length)
	return n
}

// whole reports whether the slice is all of a tensor of the shape.
func (s slice) whole(shape []int) bool {
	for axis, n := range s.length {
		if n != shape[axis] {
			return false
		}
	}
	return true
}

// sliceLimit bounds the slices of a tensor.
const sliceLimit = 4096

// disjoint reports whether no two slices share an element; of more than sliceLimit it is
// not asked.
func disjoint(all []slice) bool {
	if len(all) > sliceLimit {
		return false
	}
	for i, a := range all {
		for _, b := range all[:i] {
			apart := a.elements() == 0 || b.elements() == 0
			for axis := range a.start {
				apart = apart || a.start[axis]+a.length[axis] <= b.start[axis] || b.start[axis]+b.length[axis] <= a.start[axis]
			}
			if !apart {
				return false
			}
		}
	}
	return true
}

// place puts the values of the slice into those of a tensor of the shape.
func (s slice) place(dst []float32, shape []int, values []float32) {
	rank := len(shape)
	if rank == 0 || len(values) == 0 {
		copy(dst, values)
		return
	}
	strides := make([]int, rank)
	stride := 1
	for axis := rank - 1; axis >= 0; axis-- {
		strides[axis] = stride
		stride *= shape[axis]
	}
	at := 0
	for axis, start := range s.start {
		at += start * strides[axis]
	}
	index := make([]int, rank)
	row := s.length[rank-1]
	for len(values) > 0 {
		copy(dst[at:], values[:row])
		values = values[row:]
		for axis := rank - 2; axis >= 0; axis-- {
			index[axis]++
			at += strides[axis]
			if index[axis] < s.length[axis] {
				break
			}
			at -= index[axis] * strides[axis]
			index[axis] = 0
		}
	}
}
