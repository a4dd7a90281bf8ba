package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// What to do about a file that breaks the format.
const (
	copyAgain   = "copy or download the file again"
	exportAgain = "export the model again"
)

// Types of elements by their numbers in TensorProto.
const (
	float32Type  = 1
	uint8Type    = 2
	int8Type     = 3
	int32Type    = 6
	int64Type    = 7
	float16Type  = 10
	float64Type  = 11
	bfloat16Type = 16
)

func typeName(dtype uint64) string {
	names := map[uint64]string{1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16"}
	if name, ok := names[dtype]; ok {
		return name
	}
	return fmt.Sprintf("type %d", dtype)
}

func sizeOf(dtype uint64) int {
	switch dtype {
	case uint8Type, int8Type, 9:
		return 1
	case 4, 5, float16Type, bfloat16Type:
		return 2
	case float32Type, int32Type, 12:
		return 4
	case int64Type, float64Type, 13:
		return 8
	}
	return 0
}

func converter(dtype uint64) func(dst []float32, src []byte) {
	switch dtype {
	case float32Type:
		return tensorfile.FromF32
	case float16Type:
		return tensorfile.FromF16
	case float64Type:
		return tensorfile.FromF64
	case bfloat16Type:
		return tensorfile.FromBF16
	}
	return nil
}

// Recognise reports whether a file begins as a model does: with the version of the
// intermediate representation, before a field whose length is given.
func Recognise(s tensorfile.Sample) bool {
	const irVersion, newest, delimited = 1 << 3, 64, 2
	h := s.Head
	return len(h) > 3 && h[0] == irVersion && 0 < h[1] && h[1] < newest && h[2]&7 == delimited && 2 <= h[2]>>3 && h[2]>>3 <= 8
}

// An initializer is where the values of a constant are.
type initializer struct {
	name   string
	dtype  uint64
	shape  []int
	in     io.ReaderAt
	at     int64 // of the values in the file, -1 where values has them
	length int64
	values []byte
}

// A node is an operation.
type node struct {
	name, op        string
	inputs, outputs []string
	ints            map[string][]int
	floats          map[string]float64
	texts           map[string]string
	value           *initializer // of a constant
}

type file struct {
	name     string
	size     int64
	constant map[string]*initializer
	tensors  []tensorfile.Tensor
	nodes    []node
	inputs   []input
	outputs  []string
	metadata map[string]string
	opened   []io.Closer
	parts    []string
}

type input struct {
	name  string
	shape []int // 0 where a size is left open
}

func (f *file) Tensors() []tensorfile.Tensor { return slices.Clone(f.tensors) }
func (f *file) Metadata() map[string]string  { return maps.Clone(f.metadata) }
func (f *file) Size() int64                  { return f.size }
func (f *file) Parts() []string              { return slices.Clone(f.parts) }

func (f *file) Close() error {
	var all error
	for _, c := range f.opened {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			all = errors.Join(all, fmt.Errorf("onnx: %s: closing: %w", f.name, err))
		}
	}
	return all
}

func (f *file) mismatch(tensor, expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: "onnx", File: f.name, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}

// Open opens a model. It and its files of external data must not be cut short or rewritten
// in place while it is open.
func Open(path string) (tensorfile.File, error) {
	f := &file{name: path}
	open := func(name string) (io.ReaderAt, int64, error) {
		opened, size, err := tensorfile.Open("onnx", name)
		if err != nil {
			return nil, 0, err
		}
		f.opened = append(f.opened, opened)
		f.parts = append(f.parts, name)
		return opened, size, nil
	}
	if err := f.parse(open); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *file) parse(open func(string) (io.ReaderAt, int64, error)) error {
	in, size, err := open(f.name)
	if err != nil {
		return err
	}
	f.size, f.constant, f.metadata = size, map[string]*initializer{}, map[string]string{}
	external := map[string]opened{}
	graph := false
	err = wire.EachIn(in, 0, size, func(number protowire.Number, _ uint64, at, length int64) error {
		const graphField, metadataField = 7, 14
		switch number {
		case graphField:
			graph = true
			return wire.EachIn(in, at, at+length, func(number protowire.Number, _ uint64, at, length int64) error {
				return f.graphField(in, number, at, length, external, open)
			})
		case metadataField:
			data, err := wire.Read(in, at, length)
			if err != nil {
				return err
			}
			var key, value string
			err = wire.Each(data, func(field wire.Field) error {
				switch field.Number {
				case 1:
					key = string(field.Data)
				case 2:
					value = string(field.Data)
				}
				return nil
			})
			f.metadata[key] = value
			return err
		}
		return nil
	})
	switch {
	case errors.Is(err, wire.ErrBroken), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return f.mismatch("", "a whole ONNX model", err.Error(), "the file may be cut short: "+copyAgain)
	case err != nil:
		return err
	case !graph:
		return f.mismatch("", "a model with a graph", "none", exportAgain)
	case len(f.tensors) == 0:
		return f.mismatch("", "initialisers with the weights", "none", exportAgain)
	}
	return nil
}

type opened struct {
	in   io.ReaderAt
	size int64
}

func (f *file) graphField(in io.ReaderAt, number protowire.Number, at, length int64, external map[string]opened, open func(string) (io.ReaderAt, int64, error)) error {
	const nodeField, initializerField, inputField, outputField = 1, 5, 11, 12
	switch number {
	case initializerField:
		c, err := f.initializer(in, at, at+length, external, open)
		if err != nil {
			return err
		}
		if f.constant[c.name] != nil {
			return f.mismatch(c.name, "each name once", "the name twice", exportAgain)
		}
		f.constant[c.name] = c
		f.tensors = append(f.tensors, f.tensor(c))
	case nodeField, inputField, outputField:
		data, err := wire.Read(in, at, length)
		if err != nil {
			return err
		}
		switch number {
		case nodeField:
			n, err := f.node(in, data, at)
			f.nodes = append(f.nodes, n)
			return err
		case inputField:
			i, err := inputOf(data)
			f.inputs = append(f.inputs, i)
			return err
		}
		o, err := inputOf(data)
		f.outputs = append(f.outputs, o.name)
		return err
	}
	return nil
}

func inputOf(data []byte) (i input, err error) {
	err = wire.Each(data, func(f wire.Field) error {
		switch f.Number {
		case 1:
			i.name = string(f.Data)
		case 2:
			return wire.Each(f.Data, func(f wire.Field) error { // type
				if f.Number != 1 {
					return nil
				}
				return wire.Each(f.Data, func(f wire.Field) error { // tensor type
					if f.Number != 2 {
						return nil
					}
					return wire.Each(f.Data, func(f wire.Field) error { // dimension
						n := 0
						err := wire.Each(f.Data, func(f wire.Field) error {
							if f.Number == 1 {
								n = int(f.Bits)
							}
							return nil
						})
						i.shape = append(i.shape, n)
						return err
					})
				})
			})
		}
		return nil
	})
	return i, err
}

// initializer reads a TensorProto from one byte of a file to another, but its values.
func (f *file) initializer(in io.ReaderAt, at, end int64, external map[string]opened, open func(string) (io.ReaderAt, int64, error)) (*initializer, error) {
	c := &initializer{shape: []int{}, in: in, at: -1}
	var place map[string]string
	var numbers []byte
	dims := func(v uint64) error {
		if int64(v) < 0 || int64(int(v)) != int64(v) {
			return f.mismatch(c.name, "dimensions from 0 up", fmt.Sprint(int64(v)), exportAgain)
		}
		c.shape = append(c.shape, int(v))
		return nil
	}
	err := wire.EachIn(in, at, end, func(number protowire.Number, bits uint64, at, length int64) error {
		const raw = 9
		if number == raw {
			c.at, c.length = at, length
			return nil
		}
		if number == 2 {
			c.dtype = bits
		}
		if number == 1 && length == 0 {
			return dims(bits)
		}
		if length == 0 {
			return nil
		}
		data, err := wire.Read(in, at, length)
		if err != nil {
			return err
		}
		switch number {
		case 1:
			for len(data) > 0 {
				v, n := protowire.ConsumeVarint(data)
				if n < 0 {
					return wire.ErrBroken
				}
				if err := dims(v); err != nil {
					return err
				}
				data = data[n:]
			}
		case 4, 10: // floats and doubles
			numbers = data
		case 5, 7: // whole numbers; of 16-bit floats the bits
			for len(data) > 0 {
				v, n := protowire.ConsumeVarint(data)
				if n < 0 {
					return wire.ErrBroken
				}
				numbers = binary.LittleEndian.AppendUint64(numbers, v)
				data = data[n:]
			}
		case 8:
			c.name = string(data)
		case 13:
			var key, value string
			if err := wire.Each(data, func(f wire.Field) error {
				switch f.Number {
				case 1:
					key = string(f.Data)
				case 2:
					value = string(f.Data)
				}
				return nil
			}); err != nil {
				return err
			}
			if place == nil {
				place = map[string]string{}
			}
			place[key] = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	size := sizeOf(c.dtype)
	want, ok := tensorfile.ByteLength(c.shape, max(1, size))
	if !ok {
		return nil, f.mismatch(c.name, "a shape whose bytes fit this machine's int", tensorfile.ShapeText(c.shape), exportAgain)
	}
	if place != nil {
		return c, f.external(c, place, int64(want), external, open)
	}
	if c.at < 0 {
		if size < 8 && c.dtype != float32Type { // from 64 bits each
			packed := make([]byte, 0, len(numbers)/8*size)
			for i := 0; i+8 <= len(numbers); i += 8 {
				packed = append(packed, numbers[i:i+size]...)
			}
			numbers = packed
		}
		c.values, c.length = numbers, int64(len(numbers))
	}
	if size > 0 && c.length != int64(want) {
		return nil, f.mismatch(c.name, fmt.Sprintf("%d bytes for shape %s of %s", want, tensorfile.ShapeText(c.shape), typeName(c.dtype)), fmt.Sprint(c.length), copyAgain)
	}
	return c, nil
}

// external finds values in a file beside the model.
func (f *file) external(c *initializer, place map[string]string, want int64, known map[string]opened, open func(string) (io.ReaderAt, int64, error)) error {
	location := place["location"]
	if !filepath.IsLocal(location) {
		return f.mismatch(c.name, "the name of a file in the folder of the model", tensorfile.Quote(location), exportAgain)
	}
	data, ok := known[location]
	if !ok {
		path := filepath.Join(filepath.Dir(f.name), filepath.FromSlash(location))
		in, size, err := open(path)
		if errors.Is(err, os.ErrNotExist) {
			return f.mismatch(c.name, "the file "+path+" beside the model", "none", "put all files of the model into one folder")
		}
		if err != nil {
			return err
		}
		data = opened{in, size}
		known[location] = data
		f.size += size
	}
	number := func(key string, otherwise int64) (int64, error) {
		if place[key] == "" {
			return otherwise, nil
		}
		v, err := strconv.ParseInt(place[key], 10, 64)
		if err != nil || v < 0 {
			return 0, f.mismatch(c.name, "an "+key+" of external data", tensorfile.Quote(place[key]), exportAgain)
		}
		return v, nil
	}
	at, err := number("offset", 0)
	if err != nil {
		return err
	}
	length, err := number("length", want)
	if err != nil {
		return err
	}
	if length != want || at > data.size || length > data.size-at {
		return f.mismatch(c.name, fmt.Sprintf("%d bytes from %d on in %s", want, at, tensorfile.Quote(location)), fmt.Sprintf("%d said, and a file of %d bytes", length, data.size), copyAgain)
	}
	c.in, c.at, c.length = data.in, at, length
	return nil
}

func (f *file) tensor(c *initializer) tensorfile.Tensor {
	t := tensorfile.Tensor{Name: c.name, DType: typeName(c.dtype), Shape: c.shape}
	t.Values = func(dst []float32) error {
		convert := converter(c.dtype)
		if convert == nil {
			return tensorfile.UnreadType(f.mismatch(c.name, "elements of float32, float64, float16 or bfloat16", "elements of "+typeName(c.dtype), exportAgain))
		}
		if n := t.Elements(); len(dst) != n {
			return f.mismatch(c.name, fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(c.shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
		}
		data := c.values
		if c.at >= 0 {
			data = tensorfile.BytesOf(dst)
			if c.dtype != float32Type {
				data = make([]byte, c.length)
			}
			if n, err := c.in.ReadAt(data, c.at); n < len(data) {
				return fmt.Errorf("onnx: %s: tensor %s: reading: %w", f.name, tensorfile.Quote(c.name), err)
			}
			if c.dtype == float32Type {
				tensorfile.SwapIfBigEndian(dst)
				return nil
			}
		}
		convert(dst, data)
		return nil
	}
	return t
}

func (f *file) node(in io.ReaderAt, data []byte, at int64) (node, error) {
	n := node{ints: map[string][]int{}, floats: map[string]float64{}, texts: map[string]string{}}
	err := wire.Each(data, func(field wire.Field) error {
		switch field.Number {
		case 1:
			n.inputs = append(n.inputs, string(field.Data))
		case 2:
			n.outputs = append(n.outputs, string(field.Data))
		case 3:
			n.name = string(field.Data)
		case 4:
			n.op = string(field.Data)
		case 5:
			return f.attribute(in, &n, field.Data, at+int64(field.At))
		}
		return nil
	})
	return n, err
}
