package onnx

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// The versions of operators that models are written with.
const (
	Opset = 17
	// OpsetBFloat16 is the first with convolutions of bfloat16.
	OpsetBFloat16 = 22
)

// irVersion is that of the intermediate representation that an opset is written in.
func irVersion(opset int) uint64 {
	if opset >= OpsetBFloat16 {
		return 10
	}
	return 8
}

// DataEnding is what the name of a file of external data has behind the model's.
const DataEnding = ".data"

// producer is what wrote a model.
const producer = "inception"

// A Model is what Write writes.
type Model struct {
	// Name is the graph's.
	Name string
	// Inputs and Outputs are the graph's.
	Inputs, Outputs []Port
	// Operations are in an order in which they can be computed.
	Operations []Operation
	// Opset is the version of the operators; the constant Opset when zero.
	Opset int
	// Constants are the initialisers.
	Constants []Constant
	// Metadata is what the model says about itself.
	Metadata map[string]string
}

// A Port is an input or an output of a graph.
type Port struct {
	Name string
	Type ElementType
	// Batch is the name of the first axis, whose length is left open.
	Batch string
	// Shape is that of one element of the batch.
	Shape []int
}

// An ElementType is that of the elements of a port or a constant, by its number in
// TensorProto.
type ElementType uint64

// The types of elements.
const (
	Float32  ElementType = float32Type
	Uint8    ElementType = uint8Type
	Int8     ElementType = int8Type
	Int32    ElementType = int32Type
	BFloat16 ElementType = bfloat16Type
)

// An Operation is a node of a graph: an operator of ONNX's own domain.
type Operation struct {
	Operator        string
	Name            string
	Inputs, Outputs []string
	Attributes      []Attribute
}

// An Attribute is one of an operation.
type Attribute struct {
	name  string
	ints  []int
	list  bool
	float bool
	value float32
}

// Int is an attribute of one whole number.
func Int(name string, value int) Attribute { return Attribute{name: name, ints: []int{value}} }

// Ints is an attribute of whole numbers.
func Ints(name string, values ...int) Attribute {
	return Attribute{name: name, ints: values, list: true}
}

// Float is an attribute of one number with a fraction.
func Float(name string, value float32) Attribute {
	return Attribute{name: name, float: true, value: value}
}

// encode returns the AttributeProto.
func (a Attribute) encode() []byte {
	const nameField, floatField, intField, intsField, typeField = 1, 2, 3, 8, 20
	const floatType, intType, intsType = 1, 2, 7
	m := wire.AppendText(nil, nameField, a.name)
	switch {
	case a.float:
		m = protowire.AppendFixed32(protowire.AppendTag(m, floatField, protowire.Fixed32Type), math.Float32bits(a.value))
		return wire.AppendNumber(m, typeField, floatType)
	case !a.list:
		m = wire.AppendNumber(m, intField, uint64(int64(a.ints[0])))
		return wire.AppendNumber(m, typeField, intType)
	}
	for _, v := range a.ints {
		m = wire.AppendNumber(m, intsField, uint64(int64(v)))
	}
	return wire.AppendNumber(m, typeField, intsType)
}

// encode returns the NodeProto.
func (o Operation) encode() (m []byte) {
	const inputField, outputField, nameField, operatorField, attributeField = 1, 2, 3, 4, 5
	for _, name := range o.Inputs {
		m = wire.AppendText(m, inputField, name)
	}
	for _, name := range o.Outputs {
		m = wire.AppendText(m, outputField, name)
	}
	m = wire.AppendText(m, nameField, o.Name)
	m = wire.AppendText(m, operatorField, o.Operator)
	for _, a := range o.Attributes {
		m = wire.AppendBytes(m, attributeField, a.encode())
	}
	return m
}

// encode returns the ValueInfoProto.
func (p Port) encode() []byte {
	const valueField, parameterField = 1, 2 // of a dimension
	shape := wire.AppendBytes(nil, 1, wire.AppendText(nil, parameterField, p.Batch))
	for _, n := range p.Shape {
		shape = wire.AppendBytes(shape, 1, wire.AppendNumber(nil, valueField, uint64(n)))
	}
	tensor := wire.AppendBytes(wire.AppendNumber(nil, 1, uint64(p.Type)), 2, shape)
	return wire.AppendBytes(wire.AppendText(nil, 1, p.Name), 2, wire.AppendBytes(nil, 1, tensor))
}

// appendPair appends a StringStringEntryProto.
func appendPair(m []byte, field protowire.Number, key, value string) []byte {
	return wire.AppendBytes(m, field, wire.AppendText(wire.AppendText(nil, 1, key), 2, value))
}

// insideLimit is how many bytes a file without external data may have: more than that no
// implementation of protocol buffers reads.
const insideLimit = math.MaxInt32

// pageSize is what the places of values in external data are multiples of, so that they can
// be mapped into memory.
const pageSize = 4096

// Write writes a model in a file at path. The values of the constants are in it or, where
// that is asked for, and where they are more than 2 GB, in a file of external data beside
// it, whose name has DataEnding behind the model's. Memory holds the values of one constant
// at a time. Each file appears whole or not at all.
func Write(path string, m Model, external bool) error {
	if err := m.check(path); err != nil {
		return err
	}
	if !external {
		head, prefixes, tail := m.encode(nil)
		size := int64(len(head) + len(tail))
		for i, t := range m.Constants {
			size += int64(len(prefixes[i])) + t.bytes()
		}
		if size <= insideLimit {
			return wrote(path, atomicfile.Write(path, func(w io.Writer) error {
				if err := put(w, head); err != nil {
					return err
				}
				next := 0
				err := eachConstant(m.Constants, func(data []byte) error {
					next++
					return put(w, prefixes[next-1], data)
				})
				if err != nil {
					return err
				}
				return put(w, tail)
			}))
		}
	}
	outside := &outside{name: filepath.Base(path) + DataEnding}
	for _, t := range m.Constants {
		outside.at = append(outside.at, outside.size)
		outside.size += padded(t.bytes())
	}
	head, prefixes, tail := m.encode(outside)
	return wrote(path, atomicfile.Write(path, func(w io.Writer) error {
		if err := put(w, head, slices.Concat(prefixes...), tail); err != nil {
			return err
		}
		// Last, so that nothing but the renaming of the model comes behind that of the data.
		return atomicfile.Write(filepath.Join(filepath.Dir(path), outside.name), func(w io.Writer) error {
			zeros := make([]byte, pageSize)
			return eachConstant(m.Constants, func(data []byte) error {
				return put(w, data, zeros[:padded(int64(len(data)))-int64(len(data))])
			})
		})
	}))
}

func wrote(path string, err error) error {
	if err != nil {
		return fmt.Errorf("onnx: %s: writing: %w", path, err)
	}
	return nil
}

func put(w io.Writer, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("expected room for %d bytes: %w; make room on the disk", len(part), err)
		}
	}
	return nil
}

func padded(n int64) int64 { return (n + pageSize - 1) / pageSize * pageSize }

// outside is where values are that are not in the model's file.
type outside struct {
	name string
	at   []int64 // of each constant
	size int64
}

// encode returns what comes before, between and behind the values of the constants: the
// prefix of each ends where its values begin, or is the whole constant where they are
// outside.
func (m Model) encode(outside *outside) (head []byte, prefixes [][]byte, tail []byte) {
	const irField, producerField, graphField, opsetField, metadataField = 1, 2, 7, 8, 14
	const nodeField, nameField, inputField, outputField = 1, 2, 11, 12
	var before, after []byte // of the graph
	for _, o := range m.Operations {
		before = wire.AppendBytes(before, nodeField, o.encode())
	}
	before = wire.AppendText(before, nameField, m.Name)
	for _, p := range m.Inputs {
		after = wire.AppendBytes(after, inputField, p.encode())
	}
	for _, p := range m.Outputs {
		after = wire.AppendBytes(after, outputField, p.encode())
	}
	length := int64(len(before) + len(after))
	for i, t := range m.Constants {
		prefix := encodeConstant(t, i, outside)
		prefixes = append(prefixes, prefix)
		length += int64(len(prefix))
		if outside == nil {
			length += t.bytes()
		}
	}
	opset := cmp.Or(m.Opset, Opset)
	head = wire.AppendNumber(nil, irField, irVersion(opset))
	head = wire.AppendText(head, producerField, producer)
	head = protowire.AppendTag(head, graphField, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(length))
	head = append(head, before...)
	tail = wire.AppendBytes(after, opsetField, wire.AppendNumber(wire.AppendText(nil, 1, ""), 2, uint64(opset)))
	for _, key := range slices.Sorted(maps.Keys(m.Metadata)) {
		tail = appendPair(tail, metadataField, key, m.Metadata[key])
	}
	return head, prefixes, tail
}

// encodeConstant returns the field of the graph that holds a TensorProto, but its values.
func encodeConstant(t Constant, index int, outside *outside) []byte {
	const initializerField = 5 // of a graph
	const dimensionField, typeField, nameField, rawField, externalField, locationField = 1, 2, 8, 9, 13, 14
	const isExternal = 1
	var m []byte
	for _, n := range t.Shape {
		m = wire.AppendNumber(m, dimensionField, uint64(n))
	}
	m = wire.AppendNumber(m, typeField, uint64(t.Type))
	m = wire.AppendText(m, nameField, t.Name)
	if outside != nil {
		m = appendPair(m, externalField, "location", outside.name)
		m = appendPair(m, externalField, "offset", fmt.Sprint(outside.at[index]))
		m = appendPair(m, externalField, "length", fmt.Sprint(t.bytes()))
		m = wire.AppendNumber(m, locationField, isExternal)
		return wire.AppendBytes(nil, initializerField, m)
	}
	m = protowire.AppendTag(m, rawField, protowire.BytesType)
	m = protowire.AppendVarint(m, uint64(t.bytes()))
	prefix := protowire.AppendTag(nil, initializerField, protowire.BytesType)
	prefix = protowire.AppendVarint(prefix, uint64(int64(len(m))+t.bytes()))
	return append(prefix, m...)
}

// check refuses a graph that is none: each value has one name, and is there before it is
// used.
func (m Model) check(path string) error {
	const correct = "correct the graph"
	f := &file{name: path}
	known := map[string]bool{}
	add := func(name string) error {
		if name == "" || known[name] {
			return f.mismatch(name, "each value with a name of its own", tensorfile.Quote(name)+" again", correct)
		}
		known[name] = true
		return nil
	}
	for _, p := range m.Inputs {
		if err := add(p.Name); err != nil {
			return err
		}
	}
	for _, t := range m.Constants {
		if err := add(t.Name); err != nil {
			return err
		}
		if _, ok := tensorfile.ByteLength(t.Shape, memorySize); !ok || !t.complete() {
			return f.mismatch(t.Name, "values of "+typeName(uint64(t.Type))+", and a shape whose bytes fit this machine's int", "shape "+tensorfile.ShapeText(t.Shape), correct)
		}
	}
	for _, o := range m.Operations {
		for _, name := range o.Inputs {
			if !known[name] {
				return f.mismatch(name, "a value that is there before "+o.Name+" uses it", "none", correct)
			}
		}
		for _, name := range o.Outputs {
			if err := add(name); err != nil {
				return err
			}
		}
	}
	for _, p := range m.Outputs {
		if !known[p.Name] {
			return f.mismatch(p.Name, "an operation that makes the output", "none", correct)
		}
	}
	return nil
}
