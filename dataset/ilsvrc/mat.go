package ilsvrc

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// The parts of MAT-files, level 5, that the development kit's meta.mat is made of
// (MathWorks, "MAT-File Format"): after a header of 128 bytes, elements of a type, a
// size and data. A variable is a matrix element, or a compressed one that holds it.
const (
	matHeader = 128

	matInt8       = 1
	matUint8      = 2
	matInt16      = 3
	matUint16     = 4
	matInt32      = 5
	matUint32     = 6
	matDouble     = 9
	matMatrix     = 14
	matCompressed = 15
	matUTF8       = 16

	classStruct = 2 // the class in a matrix's flags
)

// matLimit is more than any list of synsets unpacks to, in bytes.
const matLimit = 1 << 28

// isMAT recognises little-endian MAT-files by the end of their header.
func isMAT(data []byte) bool {
	return len(data) >= matHeader && string(data[124:128]) == "\x00\x01IM"
}

// matSynsets returns the WNID of each ILSVRC2012_ID from 1 to 1000 of the variable
// synsets, a column of structures. Higher ones are not classes of the challenge but what
// they are kinds of.
func matSynsets(data []byte) (map[int]string, error) {
	rest := data[matHeader:]
	for len(rest) > 0 {
		kind, content, after, err := matElement(rest)
		if err != nil {
			return nil, err
		}
		rest = after
		if kind == matCompressed {
			if kind, content, err = unpack(content); err != nil {
				return nil, err
			}
		}
		if kind != matMatrix {
			continue
		}
		m, err := parseMatrix(content)
		if err != nil {
			return nil, err
		}
		if m.name == "synsets" {
			return m.synsets()
		}
	}
	return nil, errors.New("expected a variable synsets, as in the development kit's meta.mat, found none")
}

func unpack(content []byte) (kind uint32, inner []byte, err error) {
	r, err := zlib.NewReader(bytes.NewReader(content))
	if err != nil {
		return 0, nil, err
	}
	unpacked, err := io.ReadAll(io.LimitReader(r, matLimit))
	if err != nil {
		return 0, nil, err
	}
	kind, inner, _, err = matElement(unpacked)
	return kind, inner, err
}

var errTorn = errors.New("the MAT-file ends too early; copy or download it again")

// matElement takes the first element off.
func matElement(data []byte) (kind uint32, content, rest []byte, err error) {
	if len(data) < 8 {
		return 0, nil, nil, errTorn
	}
	tag, size := binary.LittleEndian.Uint32(data), uint64(binary.LittleEndian.Uint32(data[4:]))
	if small := tag >> 16; small != 0 { // up to four bytes within the tag
		if small > 4 {
			return 0, nil, nil, fmt.Errorf("the MAT-file has a small element of %d bytes, expected at most 4", small)
		}
		return tag & 0xffff, data[4 : 4+small], data[8:], nil
	}
	padded := size
	if tag != matCompressed {
		padded = (size + 7) &^ 7
	}
	if size > uint64(len(data)-8) {
		return 0, nil, nil, errTorn
	}
	return tag, data[8 : 8+size], data[min(8+padded, uint64(len(data))):], nil
}

// A matrix is an array with its subelements after flags, dimensions and name.
type matrix struct {
	class    uint8
	elements int
	name     string
	rest     []byte
}

func parseMatrix(data []byte) (m matrix, err error) {
	_, flags, data, err := matElement(data)
	if err != nil {
		return m, err
	}
	_, sizes, data, err := matElement(data)
	if err != nil {
		return m, err
	}
	_, name, data, err := matElement(data)
	if err != nil {
		return m, err
	}
	if len(flags) < 8 || len(sizes) < 8 {
		return m, errTorn
	}
	m = matrix{class: flags[0], elements: 1, name: string(name), rest: data}
	for ; len(sizes) >= 4; sizes = sizes[4:] {
		n := int(int32(binary.LittleEndian.Uint32(sizes)))
		if n < 0 || n > matLimit/max(m.elements, 1) {
			return m, fmt.Errorf("the MAT-file has a dimension of %d", n)
		}
		m.elements *= n
	}
	return m, nil
}

// synsets reads a matrix of structures, which has its fields' names, then their values
// one structure after the other.
func (m matrix) synsets() (map[int]string, error) {
	if m.class != classStruct {
		return nil, fmt.Errorf("the variable synsets is of class %d, expected a structure, %d", m.class, classStruct)
	}
	_, length, data, err := matElement(m.rest)
	if err != nil {
		return nil, err
	}
	_, names, data, err := matElement(data)
	if err != nil {
		return nil, err
	}
	if len(length) != 4 || binary.LittleEndian.Uint32(length) == 0 {
		return nil, errTorn
	}
	var fields []string
	for width := int(binary.LittleEndian.Uint32(length)); len(names) >= width; names = names[width:] {
		field, _, _ := bytes.Cut(names[:width], []byte{0})
		fields = append(fields, string(field))
	}
	const challenge = 1000
	found := map[int]string{}
	for range m.elements {
		id, synset := -1, ""
		for _, field := range fields {
			kind, content, rest, err := matElement(data)
			if err != nil {
				return nil, err
			}
			data = rest
			if field != "ILSVRC2012_ID" && field != "WNID" {
				continue
			}
			value, err := parseMatrix(content)
			if err != nil || kind != matMatrix {
				return nil, errors.Join(err, fmt.Errorf("the field %s is an element of type %d, expected %d", field, kind, matMatrix))
			}
			numbers, err := value.numbers()
			if err != nil {
				return nil, fmt.Errorf("the field %s: %w", field, err)
			}
			switch {
			case field == "ILSVRC2012_ID" && len(numbers) == 1:
				id = int(numbers[0])
			case field == "WNID":
				for _, c := range numbers {
					synset += string(rune(c))
				}
			}
		}
		if id < 1 || !synsetName.MatchString(synset) {
			return nil, fmt.Errorf("structure %d has the ILSVRC2012_ID %d and the WNID %q, expected a positive number and a synset such as n02119789", len(found)+1, id, synset)
		}
		if id > challenge {
			continue
		}
		if before, ok := found[id]; ok {
			return nil, fmt.Errorf("the ILSVRC2012_ID %d is that of %s and of %s", id, before, synset)
		}
		found[id] = synset
	}
	return found, nil
}

// numbers returns the values of an array of numbers or characters.
func (m matrix) numbers() ([]float64, error) {
	kind, data, _, err := matElement(m.rest)
	if err != nil {
		return nil, err
	}
	var width int
	var value func([]byte) float64
	switch kind {
	case matInt8, matUint8, matUTF8:
		width, value = 1, func(b []byte) float64 { return float64(b[0]) }
	case matInt16, matUint16:
		width, value = 2, func(b []byte) float64 { return float64(binary.LittleEndian.Uint16(b)) }
	case matInt32, matUint32:
		width, value = 4, func(b []byte) float64 { return float64(binary.LittleEndian.Uint32(b)) }
	case matDouble:
		width, value = 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
	default:
		return nil, fmt.Errorf("found values of type %d, expected numbers or text", kind)
	}
	if len(data) != width*m.elements {
		return nil, fmt.Errorf("found %d bytes, expected %d values of %d", len(data), m.elements, width)
	}
	var all []float64
	for ; len(data) > 0; data = data[width:] {
		all = append(all, value(data))
	}
	return all, nil
}
