package hdf5

import "fmt"

// Classes of types.
const (
	classInteger  = 0
	classFloat    = 1
	classString   = 3
	classEnum     = 8
	classVariable = 9
)

// A Type is that of elements.
type Type struct {
	// Size is the bytes of an element.
	Size int
	// BigEndian is the order of its bytes.
	BigEndian bool

	class    int
	variable bool // a string of any length, in the global heap
	signed   bool
	mantissa int // bits
}

// String is numpy's name of the type.
func (t Type) String() string {
	switch {
	case t.IsBFloat16():
		return "bfloat16"
	case t.class == classFloat:
		return fmt.Sprintf("float%d", 8*t.Size)
	case t.class == classInteger && t.signed:
		return fmt.Sprintf("int%d", 8*t.Size)
	case t.class == classInteger:
		return fmt.Sprintf("uint%d", 8*t.Size)
	case t.isText():
		return "text"
	}
	return fmt.Sprintf("class %d", t.class)
}

// IsFloat reports whether elements are of IEEE's types of two, four or eight bytes.
func (t Type) IsFloat() bool {
	mantissas := map[int]int{2: 10, 4: 23, 8: 52}
	return t.class == classFloat && mantissas[t.Size] == t.mantissa
}

// IsBFloat16 reports whether elements are the upper halves of float32.
func (t Type) IsBFloat16() bool { return t.class == classFloat && t.Size == 2 && t.mantissa == 7 }

func (t Type) isText() bool { return t.class == classString || t.class == classVariable && t.variable }

// datatype reads a type's message.
func (f *File) datatype(data []byte) (Type, error) {
	c := f.cursorOf(data, "a type of elements")
	head := c.byte()
	flags := c.number(3)
	t := Type{class: int(head & 15), Size: int(c.number(4))}
	if c.failure != nil {
		return t, c.failure
	}
	if t.Size <= 0 {
		return t, broken("elements of %d bytes", t.Size)
	}
	switch t.class {
	case classInteger:
		t.BigEndian, t.signed = flags&1 != 0, flags&8 != 0
	case classFloat:
		t.BigEndian = flags&1 != 0
		c.bytes(7)
		t.mantissa = int(c.byte())
	case classVariable:
		t.variable = flags&15 == 1
	}
	return t, c.failure
}

// dataspace reads the sizes of a message; nil for a space without elements.
func (f *File) dataspace(data []byte) (shape []int, null bool, err error) {
	c := f.cursorOf(data, "a shape")
	version := c.version(1, 2)
	rank := int(c.byte())
	c.byte()
	if version == 1 {
		c.bytes(5)
	} else {
		null = c.byte() == 2
	}
	const most = 32 // HDF5's own bound
	if rank > most {
		return nil, false, broken("a shape of %d axes", rank)
	}
	shape = make([]int, rank)
	for i := range shape {
		n := c.size()
		if n > 1<<48 {
			return nil, false, broken("an axis of %d", n)
		}
		shape[i] = int(n)
	}
	return shape, null, c.failure
}
