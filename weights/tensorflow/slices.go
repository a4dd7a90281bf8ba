package tensorflow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A checkpoint of version 1 is a table, or several. Under the empty key is a list of the
// tensors with their shapes; all else are slices, with their values in protocol buffers.
type savedSlices struct {
	complainer
	files  []io.ReaderAt
	saved  map[string]*saved
	order  []string
	size   int64
	close  func() error
	inside []tensorfile.Tensor
	parts  []string
}

// A saved tensor has one part a slice.
type saved struct {
	dtype   dtype
	shape   []int
	parts   []savedPart
	slices  []slice
	covered int // elements
}

// A savedPart is where the values of a slice are.
type savedPart struct {
	slice
	file int
	at   int64 // of the packed numbers in the file, -1 where values has them
	// content is set where the numbers are as the type has them in memory; else each is a
	// float32 or a float64, or a half in a varint.
	content bool
	length  int
	values  []byte
	fill    bool // one value stands for all
}

func (s *savedSlices) Tensors() []tensorfile.Tensor { return slices.Clone(s.inside) }
func (s *savedSlices) Metadata() map[string]string  { return nil }
func (s *savedSlices) Size() int64                  { return s.size }
func (s *savedSlices) Parts() []string              { return slices.Clone(s.parts) }
func (s *savedSlices) Close() error                 { return s.close() }

// openSlices opens the tables of a checkpoint.
func openSlices(names []string, open func(name string) (io.ReaderAt, int64, error)) (*savedSlices, error) {
	s := &savedSlices{complainer: complainer{bundleFormat, names[0]}, saved: map[string]*saved{}}
	for i, name := range names {
		file, size, err := open(name)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, file)
		s.size += size
		t := &table{complainer{bundleFormat, name}, file, size}
		listed := false
		err = t.each(func(key, value []byte, at int64) error {
			if len(key) == 0 {
				listed = true
				return s.readList(value)
			}
			return s.readSlice(value, at, i)
		})
		if err != nil {
			if errors.Is(err, wire.ErrBroken) {
				return nil, t.mismatch("", "a checkpoint of version 1", err.Error(), copyAgain)
			}
			return nil, err
		}
		if !listed {
			return nil, t.mismatch("", "a list of the tensors under the empty key", "none", copyAgain)
		}
	}
	return s, s.check()
}

// readList reads the metadata: SavedTensorSlices.meta.
func (s *savedSlices) readList(message []byte) error {
	return wire.Each(message, func(f wire.Field) error {
		if f.Number != 1 {
			return nil
		}
		return wire.Each(f.Data, func(f wire.Field) error {
			if f.Number != 1 {
				return nil
			}
			name, x := "", &saved{shape: []int{}}
			if err := wire.Each(f.Data, func(f wire.Field) (err error) {
				switch f.Number {
				case 1:
					name = string(f.Data)
				case 2:
					x.shape, err = shapeOf(f.Data)
				case 3:
					x.dtype = dtype(f.Bits)
				}
				return err
			}); err != nil {
				return err
			}
			known, ok := s.saved[name]
			switch {
			case !ok:
				s.saved[name] = x
				s.order = append(s.order, name)
			case known.dtype != x.dtype || !slices.Equal(known.shape, x.shape):
				return s.mismatch(name, "one shape and type in all shards", "two", copyAgain)
			}
			return nil
		})
	})
}

// readSlice reads SavedTensorSlices.data: a name, a slice, and the values.
func (s *savedSlices) readSlice(message []byte, at int64, file int) error {
	inFile := func(f wire.Field, base int64) int64 {
		if base < 0 {
			return -1
		}
		return base + int64(f.At)
	}
	return wire.Each(message, func(f wire.Field) error {
		if f.Number != 2 {
			return nil
		}
		var name string
		var where, values []byte
		valuesAt := int64(-1)
		base := inFile(f, at)
		if err := wire.Each(f.Data, func(f wire.Field) error {
			switch f.Number {
			case 1:
				name = string(f.Data)
			case 2:
				where = f.Data
			case 3:
				values, valuesAt = f.Data, inFile(f, base)
			}
			return nil
		}); err != nil {
			return err
		}
		x, ok := s.saved[name]
		if !ok {
			return s.mismatch(name, "a tensor of the list under the empty key", "one that is not in it", copyAgain)
		}
		part := savedPart{file: file, at: -1}
		var err error
		if part.slice, err = sliceOf(where, x.shape); err != nil {
			return err
		}
		x.slices = append(x.slices, part.slice)
		x.covered += part.elements()
		if x.dtype.converter() == nil {
			return nil // its values are never read
		}
		if err := part.find(values, valuesAt, x.dtype); err != nil {
			return s.mismatch(name, fmt.Sprintf("%d values of %s", part.elements(), x.dtype), err.Error(), copyAgain)
		}
		x.parts = append(x.parts, part)
		return nil
	})
}

// find looks in a TensorProto for where the values are.
func (p *savedPart) find(message []byte, at int64, d dtype) error {
	// The repeated field of the type's values.
	numbers := map[dtype]protowire.Number{float32Type: 5, float64Type: 6, float16Type: 13, bfloat16Type: 13}[d]
	found := false
	var loose []byte
	err := wire.Each(message, func(f wire.Field) error {
		const content = 4
		switch {
		case f.Number != content && f.Number != numbers:
			return nil
		case f.Kind != protowire.BytesType: // numbers one by one
			switch d.size() {
			case 4:
				loose = binary.LittleEndian.AppendUint32(loose, uint32(f.Bits))
			case 8:
				loose = binary.LittleEndian.AppendUint64(loose, f.Bits)
			default:
				loose = binary.AppendUvarint(loose, f.Bits)
			}
			return nil
		case found:
			return errors.New("values in several parts")
		}
		found = true
		p.content, p.length = f.Number == content, len(f.Data)
		if at >= 0 {
			p.at = at + int64(f.At)
		} else {
			p.values = slices.Clone(f.Data)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		p.length, p.values = len(loose), loose
	}
	n := p.elements()
	if p.content || d.size() >= 4 {
		switch p.length {
		case n * d.size():
			return nil
		case d.size(): // one for all
			p.fill = true
			return nil
		}
		return fmt.Errorf("%d bytes", p.length)
	}
	if p.length < n { // at least a byte a varint
		return fmt.Errorf("%d bytes", p.length)
	}
	return nil
}

func (s *savedSlices) check() error {
	for _, name := range s.order {
		x := s.saved[name]
		if n := (slice{length: x.shape}).elements(); x.dtype.size() > 0 && (x.covered != n || !disjoint(x.slices)) {
			return s.mismatch(name, fmt.Sprintf("slices that make up the %d elements of %s", n, tensorfile.ShapeText(x.shape)), fmt.Sprintf("%d slices of %d", len(x.slices), x.covered), "put all files of the checkpoint into one folder, or "+copyAgain)
		}
		s.inside = append(s.inside, tensorfile.Tensor{Name: name, DType: x.dtype.String(), Shape: x.shape, Values: func(dst []float32) error {
			return s.values(name, x, dst)
		}})
	}
	s.inside = tensorfile.Sorted(s.inside)
	return nil
}

func (s *savedSlices) values(name string, x *saved, dst []float32) error {
	if n := (slice{length: x.shape}).elements(); len(dst) != n {
		return s.mismatch(name, fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(x.shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
	}
	if x.dtype.converter() == nil {
		return tensorfile.UnreadType(s.mismatch(name, "elements of float32, float64, float16 or bfloat16", "elements of "+x.dtype.String(), "save the variable as float32"))
	}
	for _, part := range x.parts {
		if part.whole(x.shape) {
			if err := s.read(name, part, x.dtype, dst); err != nil {
				return err
			}
			continue
		}
		values := make([]float32, part.elements())
		if err := s.read(name, part, x.dtype, values); err != nil {
			return err
		}
		part.place(dst, x.shape, values)
	}
	return nil
}

// read fills dst with the values of a part.
func (s *savedSlices) read(name string, p savedPart, d dtype, dst []float32) error {
	if len(dst) == 0 {
		return nil
	}
	data := p.values
	if p.at >= 0 {
		if d == float32Type && !p.fill {
			data = tensorfile.BytesOf(dst)
		} else {
			data = make([]byte, p.length)
		}
		if n, err := s.files[p.file].ReadAt(data, p.at); n < len(data) {
			if errors.Is(err, io.EOF) {
				return s.mismatch(name, fmt.Sprintf("%d bytes from %d on", p.length, p.at), "the end of the file", "the file is cut short: "+copyAgain)
			}
			return fmt.Errorf("%s: %s: reading: %w", s.format, s.file, err)
		}
		if d == float32Type && !p.fill {
			tensorfile.SwapIfBigEndian(dst)
			return nil
		}
	}
	if d.size() < 4 && !p.content { // halves in varints
		var halves []byte
		for len(data) > 0 {
			v, n := binary.Uvarint(data)
			if n <= 0 {
				break
			}
			halves = binary.LittleEndian.AppendUint16(halves, uint16(v))
			data = data[n:]
		}
		if len(data) > 0 || len(halves) != 2*len(dst) {
			return s.mismatch(name, fmt.Sprintf("%d values", len(dst)), fmt.Sprintf("%d", len(halves)/2), copyAgain)
		}
		data = halves
	}
	if p.fill {
		d.converter()(dst[:1], data)
		for i := range dst {
			dst[i] = dst[0]
		}
		return nil
	}
	d.converter()(dst, data)
	return nil
}
