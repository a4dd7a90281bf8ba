package hdf5

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Classes of layouts.
const (
	layoutCompact    = 0
	layoutContiguous = 1
	layoutChunked    = 2
)

// Numbers of filters.
const (
	filterDeflate    = 1
	filterShuffle    = 2
	filterFletcher32 = 3
)

// A Dataset is an array of elements of one type. It may be read by several goroutines.
type Dataset struct {
	Shape []int
	Type  Type

	file    *File
	bytes   uint64 // of all elements
	class   byte
	compact []byte
	address uint64
	chunk   []int // its sizes
	index   func(do func(c chunk) error) error
	filters []filter
	fill    []byte // an element; nil where it is zero
}

type filter struct {
	id     int
	values []uint32
}

// A chunk is where a part of a data set begins, and where its bytes are.
type chunk struct {
	start   []int
	address uint64
	bytes   uint64
	mask    uint64 // of filters that were left out
}

// expands is the most that deflate makes of a byte.
const expands = 1032

// dataset reads that of an object with the given messages, nil where there is none.
func (f *File) dataset(messages []message) (*Dataset, error) {
	d := &Dataset{file: f}
	var layout []byte
	var hasType, hasShape, null bool
	for _, m := range messages {
		if m.flags&flagShared != 0 && (m.kind == messageDatatype || m.kind == messageDataspace) {
			return nil, broken("a named type is not known")
		}
		var err error
		switch m.kind {
		case messageDatatype:
			d.Type, err = f.datatype(m.data)
			hasType = true
		case messageDataspace:
			d.Shape, null, err = f.dataspace(m.data)
			hasShape = true
		case messageLayout:
			layout = m.data
		case messageFilters:
			d.filters, err = f.pipeline(m.data)
		case messageFill:
			d.fill, err = f.fillValue(m.data)
		}
		if err != nil {
			return nil, err
		}
	}
	if !hasType || !hasShape || layout == nil {
		return nil, nil // a named type, or something of another program
	}
	if null {
		d.Shape = []int{0}
	}
	n := uint64(d.Type.Size)
	for _, size := range d.Shape {
		if size > 0 && n > 1<<48/uint64(size) {
			return nil, broken("a data set of shape %v", d.Shape)
		}
		n *= uint64(size)
	}
	if d.bytes = n; n/expands > f.size {
		return nil, broken("a data set of %d bytes, in a file of %d", n, f.size)
	}
	if d.fill != nil && len(d.fill) != d.Type.Size {
		return nil, broken("a fill value of %d bytes for elements of %d", len(d.fill), d.Type.Size)
	}
	if err := d.layout(layout); err != nil {
		return nil, err
	}
	if d.class == layoutContiguous && d.address != undefined {
		if at := f.base + d.address; at < f.base || at > f.size || n > f.size-at {
			return nil, broken("a data set of %d bytes at %d, in a file of %d", n, at, f.size)
		}
	}
	if d.class == layoutCompact && uint64(len(d.compact)) < n {
		return nil, broken("a data set of %d bytes with %d of them", n, len(d.compact))
	}
	return d, nil
}

func (d *Dataset) layout(data []byte) error {
	c := d.file.cursorOf(data, "a layout")
	version := c.version(1, 2, 3, 4)
	if version < 3 {
		return d.oldLayout(c)
	}
	d.class = c.byte()
	switch d.class {
	case layoutCompact:
		d.compact = c.bytes(int(c.number(2)))
	case layoutContiguous:
		d.address = c.address()
		c.size()
	case layoutChunked:
		if version == 4 {
			return d.newChunks(c)
		}
		rank := int(c.byte())
		d.address = c.address()
		return d.oldChunks(c, rank)
	default:
		if c.failure == nil {
			return broken("a layout of class %d is not known", d.class)
		}
	}
	return c.failure
}

func (d *Dataset) oldLayout(c *cursor) error {
	rank := int(c.byte())
	d.class = c.byte()
	if c.failure == nil && d.class > layoutChunked {
		return broken("a layout of class %d is not known", d.class)
	}
	c.bytes(5)
	if d.class != layoutCompact {
		d.address = c.address()
	}
	if d.class == layoutChunked {
		return d.oldChunks(c, rank)
	}
	c.bytes(4 * rank)
	if d.class == layoutCompact {
		d.compact = c.bytes(int(c.number(4)))
	}
	return c.failure
}

// oldChunks are found by a B-tree of version 1; the last of the sizes is that of an element.
func (d *Dataset) oldChunks(c *cursor, rank int) error {
	if err := d.chunkSizes(c, rank, 4); err != nil {
		return err
	}
	keyBytes := 8 + 8*(len(d.Shape)+1)
	d.index = func(do func(c chunk) error) error {
		if d.address == undefined {
			return nil
		}
		return d.file.eachLeaf(d.address, chunkTree, keyBytes, func(key []byte, child uint64) error {
			k := d.file.cursorOf(key, "a chunk's key")
			found := chunk{address: child, bytes: k.number(4), mask: k.number(4), start: make([]int, len(d.Shape))}
			for axis := range found.start {
				v := k.number(8)
				if v >= uint64(max(1, d.Shape[axis])) || v%uint64(d.chunk[axis]) != 0 {
					return broken("a chunk that begins at %d of an axis of %d", v, d.Shape[axis])
				}
				found.start[axis] = int(v)
			}
			return do(found)
		})
	}
	return nil
}

// chunkSizes reads those of a chunk, and of an element behind them.
func (d *Dataset) chunkSizes(c *cursor, rank, width int) error {
	if rank != len(d.Shape)+1 {
		if c.failure == nil {
			return broken("chunks of %d axes in a data set of %d", rank-1, len(d.Shape))
		}
		return c.failure
	}
	n := uint64(d.Type.Size)
	d.chunk = make([]int, len(d.Shape))
	for axis := range d.chunk {
		size := c.number(width)
		if c.failure == nil && (size == 0 || size > math.MaxInt32 || n > math.MaxInt32/size) {
			return broken("a chunk with an axis of %d", size)
		}
		n *= size
		d.chunk[axis] = int(size)
	}
	if size := c.number(width); c.failure == nil && size != uint64(d.Type.Size) {
		return broken("chunks of elements of %d bytes, in a data set of elements of %d", size, d.Type.Size)
	}
	if n/expands > d.file.size {
		return broken("a chunk of %d bytes, in a file of %d", n, d.file.size)
	}
	return c.failure
}

func (d *Dataset) chunkBytes() uint64 {
	n := uint64(d.Type.Size)
	for _, size := range d.chunk {
		n *= uint64(size)
	}
	return n
}

// newChunks are found as the layout's version 4 says.
func (d *Dataset) newChunks(c *cursor) error {
	flags, rank, width := c.byte(), int(c.byte()), int(c.byte())
	if c.failure == nil && (width == 0 || width > 8) {
		return broken("sizes of chunks of %d bytes", width)
	}
	if err := d.chunkSizes(c, rank, width); err != nil {
		return err
	}
	const (
		single   = 1
		inOrder  = 2
		fixed    = 3
		filtered = 2 // flag of a single chunk
	)
	kind := c.byte()
	switch kind {
	case single:
		only := chunk{start: make([]int, len(d.Shape)), bytes: d.chunkBytes()}
		if flags&filtered != 0 {
			only.bytes, only.mask = c.size(), c.number(4)
		}
		only.address = c.address()
		d.index = func(do func(c chunk) error) error { return do(only) }
	case inOrder:
		first := c.address()
		d.index = func(do func(c chunk) error) error {
			return d.eachChunk(func(nth uint64, start []int) error {
				if first == undefined {
					return nil
				}
				return do(chunk{start: start, address: first + nth*d.chunkBytes(), bytes: d.chunkBytes()})
			})
		}
	case fixed:
		c.byte() // pages
		header := c.address()
		d.index = func(do func(c chunk) error) error { return d.fixedArray(header, do) }
	default:
		if c.failure == nil {
			return broken("chunks found by an index of type %d are not known; save the data set without axes that may grow", kind)
		}
	}
	return c.failure
}

// eachChunk goes over the places of chunks in row-major order.
func (d *Dataset) eachChunk(do func(nth uint64, start []int) error) error {
	if d.bytes == 0 {
		return nil
	}
	start := make([]int, len(d.Shape))
	for nth := uint64(0); ; nth++ {
		if err := do(nth, append([]int(nil), start...)); err != nil {
			return err
		}
		axis := len(start) - 1
		for ; axis >= 0; axis-- {
			if start[axis] += d.chunk[axis]; start[axis] < d.Shape[axis] {
				break
			}
			start[axis] = 0
		}
		if axis < 0 {
			return nil
		}
	}
}

// fixedArray goes over the chunks that an array of addresses tells.
func (d *Dataset) fixedArray(address uint64, do func(c chunk) error) error {
	f := d.file
	c, err := f.upTo(address, 64, "an array of chunks")
	if err != nil {
		return err
	}
	c.magic("FAHD")
	c.version(0)
	filtered := c.byte() == 1
	entry, pageBits := c.number(1), c.number(1)
	count, block := c.size(), c.address()
	if c.failure != nil {
		return c.failure
	}
	if pageBits > 32 || count > f.size || block == undefined {
		if block == undefined {
			return nil // no chunk was ever written
		}
		return broken("an array of %d chunks", count)
	}
	if count > 1<<pageBits {
		return broken("arrays of chunks in pages are not known")
	}
	want := uint64(f.offset)
	sizeBytes := 0
	if filtered {
		sizeBytes = int(entry) - f.offset - 4
		want = uint64(f.offset + sizeBytes + 4)
	}
	if entry != want || sizeBytes < 0 || sizeBytes > 8 || filtered && sizeBytes == 0 {
		return broken("an array of chunks with entries of %d bytes", entry)
	}
	head := uint64(6 + f.offset)
	if c, err = f.cursor(block, head+count*entry, "an array of chunks"); err != nil {
		return err
	}
	c.magic("FADB")
	c.bytes(int(head) - 4)
	return d.eachChunk(func(nth uint64, start []int) error {
		if nth >= count {
			return broken("an array of %d chunks for more", count)
		}
		found := chunk{start: start, address: c.address(), bytes: d.chunkBytes()}
		if filtered {
			found.bytes, found.mask = c.number(sizeBytes), c.number(4)
		}
		if c.failure != nil || found.address == undefined {
			return c.failure
		}
		return do(found)
	})
}

func (f *File) pipeline(data []byte) ([]filter, error) {
	c := f.cursorOf(data, "a list of filters")
	version := c.version(1, 2)
	filters := make([]filter, c.byte())
	if version == 1 {
		c.bytes(6)
	}
	for i := range filters {
		id := int(c.number(2))
		name := 0
		if version == 1 || id >= 256 {
			name = int(c.number(2))
		}
		c.number(2)
		count := int(c.number(2))
		if version == 1 {
			name = (name + 7) / 8 * 8
		}
		c.bytes(name)
		if count > len(data) {
			return nil, broken("a filter with %d values", count)
		}
		if slices.ContainsFunc(filters[:i], func(f filter) bool { return f.id == id }) {
			return nil, broken("the filter %d twice", id)
		}
		filters[i] = filter{id: id, values: make([]uint32, count)}
		for j := range filters[i].values {
			filters[i].values[j] = uint32(c.number(4))
		}
		if version == 1 && count%2 == 1 {
			c.bytes(4)
		}
		switch id {
		case filterDeflate, filterShuffle, filterFletcher32:
		default:
			if c.failure == nil {
				return nil, broken("the filter %d is not known; deflate, shuffle and Fletcher-32 are", id)
			}
		}
	}
	return filters, c.failure
}

// fillValue is what elements have that were never written; nil for zero.
func (f *File) fillValue(data []byte) ([]byte, error) {
	c := f.cursorOf(data, "a fill value")
	version := c.version(1, 2, 3)
	defined := true
	if version == 3 {
		defined = c.byte()&0x20 != 0
	} else {
		c.bytes(2)
		defined = c.byte() != 0 || version == 1
	}
	if c.failure != nil || !defined {
		return nil, c.failure
	}
	n := c.number(4)
	if n > uint64(len(data)) {
		return nil, broken("a fill value of %d bytes", n)
	}
	value := c.bytes(int(n))
	if c.failure != nil || len(bytes.Trim(value, "\x00")) == 0 {
		return nil, c.failure
	}
	return value, nil
}

// Read fills data, which has the bytes of all elements, in row-major order and in the
// file's order of bytes.
func (d *Dataset) Read(data []byte) error {
	if uint64(len(data)) != d.bytes {
		return fmt.Errorf("room for %d bytes, expected %d", len(data), d.bytes)
	}
	switch {
	case d.class == layoutCompact:
		copy(data, d.compact)
		return nil
	case d.class == layoutContiguous && d.address != undefined:
		if n, err := d.file.in.ReadAt(data, int64(d.file.base+d.address)); n < len(data) {
			if errors.Is(err, io.EOF) {
				return broken("the file has been cut short")
			}
			return err
		}
		return nil
	}
	for at := range data {
		if data[at] = 0; d.fill != nil {
			data[at] = d.fill[at%len(d.fill)]
		}
	}
	if d.class == layoutContiguous || len(data) == 0 {
		return nil
	}
	seen, stored := map[uint64]bool{}, uint64(0)
	return d.index(func(c chunk) error {
		// Chunks that overlap make any amount of work of a small file.
		if stored += min(c.bytes, d.file.size); stored > d.file.size {
			return broken("chunks of more bytes than the %d of the file", d.file.size)
		}
		at := uint64(0)
		for axis, start := range c.start {
			at = at*uint64(d.Shape[axis]) + uint64(start)
		}
		if seen[at] {
			return broken("two chunks for one place")
		}
		seen[at] = true
		values, err := d.unpacked(c)
		if err != nil {
			return err
		}
		d.place(data, values, c.start)
		return nil
	})
}

// unpacked returns the bytes of a chunk.
func (d *Dataset) unpacked(c chunk) ([]byte, error) {
	want := d.chunkBytes()
	if c.bytes > d.file.size {
		return nil, broken("a chunk of %d bytes, in a file of %d", c.bytes, d.file.size)
	}
	in, err := d.file.cursor(c.address, c.bytes, "a chunk")
	if err != nil {
		return nil, err
	}
	data := in.data
	for i := len(d.filters) - 1; i >= 0; i-- {
		if i < 32 && c.mask&(1<<i) != 0 {
			continue
		}
		switch d.filters[i].id {
		case filterDeflate:
			// A filter that comes before may have appended to what was packed.
			const appended = 8
			if data, err = inflate(data, want+appended); err != nil {
				return nil, err
			}
		case filterShuffle:
			size := d.Type.Size
			if v := d.filters[i].values; len(v) > 0 {
				size = int(v[0])
			}
			data = unshuffle(data, size)
		case filterFletcher32:
			if len(data) < 4 {
				return nil, broken("a chunk without its checksum")
			}
			sum := binary.LittleEndian.Uint32(data[len(data)-4:])
			data = data[:len(data)-4]
			if fletcher32(data) != sum {
				return nil, broken("the checksum of a chunk does not fit: the bytes have changed")
			}
		}
	}
	if uint64(len(data)) != want {
		return nil, broken("a chunk of %d bytes, expected %d", len(data), want)
	}
	return data, nil
}

func inflate(data []byte, most uint64) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, broken("a chunk that cannot be unpacked: %w", err)
	}
	defer z.Close()
	out, err := io.ReadAll(io.LimitReader(z, int64(most)+1))
	if err != nil {
		return nil, broken("a chunk that cannot be unpacked: %w", err)
	}
	if uint64(len(out)) > most {
		return nil, broken("a chunk that unpacks to more than %d bytes", most)
	}
	return out, nil
}

// unshuffle puts back the bytes of elements, which are stored the first of all, the second
// of all, and so on.
func unshuffle(data []byte, size int) []byte {
	if size <= 1 || size > len(data) {
		return data
	}
	n := len(data) / size
	out := make([]byte, len(data))
	for b := range size {
		for i, v := range data[b*n : (b+1)*n] {
			out[i*size+b] = v
		}
	}
	copy(out[n*size:], data[n*size:])
	return out
}

// fletcher32 is HDF5's checksum, of 16-bit words of which the first byte is the higher.
func fletcher32(data []byte) uint32 {
	var a, b uint32
	for i := 0; i < len(data); i += 2 {
		word := uint32(data[i]) << 8
		if i+1 < len(data) {
			word |= uint32(data[i+1])
		}
		a = (a + word) % 65535
		b = (b + a) % 65535
	}
	return b<<16 | a
}

// place copies the part of a chunk that is inside the data set.
func (d *Dataset) place(dst, values []byte, start []int) {
	rank, size := len(d.Shape), d.Type.Size
	if rank == 0 {
		copy(dst, values)
		return
	}
	count := make([]int, rank)
	for axis := range count {
		count[axis] = min(d.chunk[axis], d.Shape[axis]-start[axis])
	}
	index := make([]int, rank)
	row := count[rank-1] * size
	for {
		to, from := 0, 0
		for axis := range rank {
			to = to*d.Shape[axis] + start[axis] + index[axis]
			from = from*d.chunk[axis] + index[axis]
		}
		copy(dst[to*size:to*size+row], values[from*size:])
		axis := rank - 2
		for ; axis >= 0; axis-- {
			if index[axis]++; index[axis] < count[axis] {
				break
			}
			index[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}
