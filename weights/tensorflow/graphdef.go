package tensorflow

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A nodeDef is an operation of a graph.
type nodeDef struct {
	name, op string
	inputs   []string
	attrs    map[string]attr
}

type attr struct {
	text  string
	ints  []int
	float float64
	flag  bool
	kind  dtype
	fn    string
	value *constDef
}

// A constDef is a tensor in a graph: its numbers are in the file, or repeated in values.
type constDef struct {
	dtype  dtype
	shape  []int
	at     int64 // of the content in the file, -1 where values has it
	length int
	values []byte // as the type has them in memory
}

// A functionDef is a graph with arguments.
type functionDef struct {
	name            string
	inputs, outputs []string
	nodes           map[string]*nodeDef
	returns         map[string]string
}

type graphDef struct {
	nodes     map[string]*nodeDef
	order     []string
	functions map[string]*storedFunction
}

// A storedFunction is where a function is in the file. Most are for training and saving, and
// never asked for.
type storedFunction struct {
	at, length int64
	read       *functionDef // nil until it is asked for
}

// function reads the one of a name; nil where there is none.
func (g *graphDef) function(in io.ReaderAt, name string) (*functionDef, error) {
	f := g.functions[name]
	if f == nil || f.read != nil {
		if f == nil {
			return nil, nil
		}
		return f.read, nil
	}
	data, err := wire.Read(in, f.at, f.length)
	if err == nil {
		f.read, err = functionOf(data, f.at)
	}
	return f.read, err
}

// readGraph reads a GraphDef of a file from one byte to another, one node at a time: only
// what is not the content of tensors stays in memory.
func readGraph(in io.ReaderAt, at, end int64) (*graphDef, error) {
	g := &graphDef{nodes: map[string]*nodeDef{}, functions: map[string]*storedFunction{}}
	err := wire.EachIn(in, at, end, func(number protowire.Number, _ uint64, at, length int64) error {
		switch number {
		case 1:
			data, err := wire.Read(in, at, length)
			if err != nil {
				return err
			}
			n, err := nodeOf(data, at)
			if err != nil {
				return err
			}
			if g.nodes[n.name] != nil {
				return fmt.Errorf("%w: the node %.100q twice", wire.ErrBroken, n.name)
			}
			g.nodes[n.name] = n
			g.order = append(g.order, n.name)
		case 2:
			return wire.EachIn(in, at, at+length, func(number protowire.Number, _ uint64, at, length int64) error {
				if number != 1 || length == 0 {
					return nil
				}
				name, err := nameOfFunction(in, at, at+length)
				if err == nil {
					g.functions[name] = &storedFunction{at: at, length: length}
				}
				return err
			})
		}
		return nil
	})
	return g, err
}

func nodeOf(data []byte, at int64) (*nodeDef, error) {
	n := &nodeDef{attrs: map[string]attr{}}
	return n, wire.Each(data, func(f wire.Field) error {
		switch f.Number {
		case 1:
			n.name = string(f.Data)
		case 2:
			n.op = string(f.Data)
		case 3:
			n.inputs = append(n.inputs, string(f.Data))
		case 5:
			var key string
			var a attr
			base := at + int64(f.At)
			err := wire.Each(f.Data, func(f wire.Field) (err error) {
				switch f.Number {
				case 1:
					key = string(f.Data)
				case 2:
					a, err = attrOf(f.Data, base+int64(f.At))
				}
				return err
			})
			n.attrs[key] = a
			return err
		}
		return nil
	})
}

func attrOf(data []byte, at int64) (a attr, err error) {
	err = wire.Each(data, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return wire.Each(f.Data, func(f wire.Field) error {
				if f.Number != 3 {
					return nil
				}
				if f.Kind == protowire.VarintType {
					a.ints = append(a.ints, int(f.Bits))
					return nil
				}
				for rest := f.Data; len(rest) > 0; {
					v, n := protowire.ConsumeVarint(rest)
					if n < 0 {
						return wire.ErrBroken
					}
					a.ints = append(a.ints, int(v))
					rest = rest[n:]
				}
				return nil
			})
		case 2:
			a.text = string(f.Data)
		case 3:
			a.ints = append(a.ints, int(f.Bits))
		case 4:
			a.float = float64(math.Float32frombits(uint32(f.Bits)))
		case 5:
			a.flag = f.Bits != 0
		case 6:
			a.kind = dtype(f.Bits)
		case 8:
			a.value, err = constOf(f.Data, at+int64(f.At))
			return err
		case 10:
			return wire.Each(f.Data, func(f wire.Field) error {
				if f.Number == 1 {
					a.fn = string(f.Data)
				}
				return nil
			})
		}
		return nil
	})
	return a, err
}

// constOf reads a TensorProto: its content, or the list of its numbers.
func constOf(data []byte, at int64) (*constDef, error) {
	c := &constDef{shape: []int{}, at: -1}
	var numbers []byte
	err := wire.Each(data, func(f wire.Field) (err error) {
		put := func(size int, bits uint64) {
			if size == 4 {
				numbers = binary.LittleEndian.AppendUint32(numbers, uint32(bits))
			} else {
				numbers = binary.LittleEndian.AppendUint64(numbers, bits)
			}
		}
		switch f.Number {
		case 1:
			c.dtype = dtype(f.Bits)
		case 2:
			c.shape, err = shapeOf(f.Data)
		case 4:
			c.at, c.length = at+int64(f.At), len(f.Data)
		case 5, 6: // floats, doubles
			if f.Kind == protowire.BytesType {
				numbers = append(numbers, f.Data...)
			} else {
				put(map[protowire.Number]int{5: 4, 6: 8}[f.Number], f.Bits)
			}
		case 7, 10: // int32, int64
			size := map[protowire.Number]int{7: 4, 10: 8}[f.Number]
			if f.Kind != protowire.BytesType {
				put(size, f.Bits)
				return nil
			}
			for rest := f.Data; len(rest) > 0; {
				v, n := protowire.ConsumeVarint(rest)
				if n < 0 {
					return wire.ErrBroken
				}
				put(size, v)
				rest = rest[n:]
			}
		case 8: // strings: those that a SavedModel's restoring names
			numbers = append(append(numbers, f.Data...), 0)
		}
		return err
	})
	if c.at < 0 {
		c.values, c.length = numbers, len(numbers)
	}
	return c, err
}

// nameOfFunction reads the signature alone, which comes first.
func nameOfFunction(in io.ReaderAt, at, end int64) (name string, err error) {
	errFound := errors.New("found")
	err = wire.EachIn(in, at, end, func(number protowire.Number, _ uint64, at, length int64) error {
		if number != 1 {
			return nil
		}
		data, err := wire.Read(in, at, length)
		if err != nil {
			return err
		}
		err = wire.Each(data, func(f wire.Field) error {
			if f.Number == 1 {
				name = string(f.Data)
			}
			return nil
		})
		return cmp.Or(err, errFound)
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return name, err
}

func functionOf(data []byte, at int64) (*functionDef, error) {
	fn := &functionDef{nodes: map[string]*nodeDef{}, returns: map[string]string{}}
	return fn, wire.Each(data, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return wire.Each(f.Data, func(f wire.Field) error {
				switch f.Number {
				case 1:
					fn.name = string(f.Data)
				case 2, 3:
					return wire.Each(f.Data, func(inner wire.Field) error {
						if inner.Number != 1 {
							return nil
						}
						if f.Number == 2 {
							fn.inputs = append(fn.inputs, string(inner.Data))
						} else {
							fn.outputs = append(fn.outputs, string(inner.Data))
						}
						return nil
					})
				}
				return nil
			})
		case 3:
			n, err := nodeOf(f.Data, at+int64(f.At))
			if err == nil {
				fn.nodes[n.name] = n
			}
			return err
		case 4:
			var key, value string
			err := wire.Each(f.Data, func(f wire.Field) error {
				switch f.Number {
				case 1:
					key = string(f.Data)
				case 2:
					value = string(f.Data)
				}
				return nil
			})
			fn.returns[key] = value
			return err
		}
		return nil
	})
}

// tensor is the constant of a node as a tensor of the file.
func (c *constDef) tensor(name string, in io.ReaderAt) (tensorfile.Tensor, error) {
	t := tensorfile.Tensor{Name: name, DType: c.dtype.String(), Shape: c.shape}
	convert, size := c.dtype.converter(), c.dtype.size()
	n := t.Elements()
	if convert == nil {
		return t, fmt.Errorf("the constant %.100q has elements of %s", name, c.dtype)
	}
	if c.length != n*size && (c.length != size || n == 0) {
		return t, fmt.Errorf("the constant %.100q of shape %s has %d bytes", name, tensorfile.ShapeText(c.shape), c.length)
	}
	t.Values = func(dst []float32) error {
		if len(dst) != n {
			return fmt.Errorf("the constant %.100q has %d values, room is for %d", name, n, len(dst))
		}
		data := c.values
		if c.at >= 0 {
			data = make([]byte, c.length)
			if read, err := in.ReadAt(data, c.at); read < len(data) {
				return fmt.Errorf("the constant %.100q: reading: %w", name, err)
			}
		}
		if c.length == n*size {
			convert(dst, data)
			return nil
		}
		convert(dst[:1], data)
		for i := range dst {
			dst[i] = dst[0]
		}
		return nil
	}
	return t, nil
}

// ints are the numbers of a small constant of whole ones.
func (c *constDef) ints(in io.ReaderAt) ([]int, error) {
	const most = 1 << 10
	data := c.values
	if c.length > most {
		return nil, fmt.Errorf("a constant of %d bytes for axes", c.length)
	}
	if c.at >= 0 {
		data = make([]byte, c.length)
		if read, err := in.ReadAt(data, c.at); read < len(data) {
			return nil, err
		}
	}
	var v []int
	size := c.dtype.size()
	if size != 4 && size != 8 {
		return nil, fmt.Errorf("a constant of %s for axes", c.dtype)
	}
	for ; len(data) >= size; data = data[size:] {
		if size == 4 {
			v = append(v, int(int32(binary.LittleEndian.Uint32(data))))
		} else {
			v = append(v, int(int64(binary.LittleEndian.Uint64(data))))
		}
	}
	return v, nil
}

// reference takes an input apart: "name", "name:0" of a graph, "name:output:0" of a
// function; control inputs have a ^ before them.
func reference(input string) (name string, control bool) {
	if strings.HasPrefix(input, "^") {
		return input[1:], true
	}
	name, _, _ = strings.Cut(input, ":")
	return name, false
}

func dataInputs(n *nodeDef) []string {
	return slices.DeleteFunc(slices.Clone(n.inputs), func(in string) bool { return strings.HasPrefix(in, "^") })
}
