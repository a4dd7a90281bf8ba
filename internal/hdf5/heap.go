package hdf5

import "math/bits"

// A fractalHeap keeps objects in direct blocks, which a table of blocks of growing sizes
// points to: in rows of as many as its width, where those of the first two rows have the
// smallest size and each row after them twice the last.
type fractalHeap struct {
	*File
	idBytes         int
	width           uint64
	start, most     uint64 // bytes of the smallest and the largest direct block
	offsetBytes     int    // of a place in the heap
	lengthBytes     int
	root            uint64
	rows            int // of the root's table; 0 where the root is a direct block
	checksum        bool
	heapBits        int
	managedMaxBytes uint64
}

func (f *File) fractalHeap(address uint64) (*fractalHeap, error) {
	const what = "a fractal heap"
	c, err := f.upTo(address, 256, what)
	if err != nil {
		return nil, err
	}
	c.magic("FRHP")
	c.version(0)
	h := &fractalHeap{File: f, idBytes: int(c.number(2))}
	filters := c.number(2)
	h.checksum = c.byte()&2 != 0
	h.managedMaxBytes = c.number(4)
	c.bytes(f.length + f.offset + f.length + f.offset + 8*f.length)
	h.width = c.number(2)
	h.start, h.most = c.size(), c.size()
	h.heapBits = int(c.number(2))
	c.number(2)
	h.root = c.address()
	h.rows = int(c.number(2))
	if c.failure != nil {
		return nil, c.failure
	}
	if filters != 0 {
		return nil, broken("%s with filters is not known", what)
	}
	if h.width == 0 || h.start == 0 || h.start&(h.start-1) != 0 || h.most < h.start || h.most > 1<<32 || h.heapBits > 64 || h.heapBits == 0 || h.rows > 64 {
		return nil, broken("%s with blocks from %d to %d bytes, %d in a row", what, h.start, h.most, h.width)
	}
	h.offsetBytes = (h.heapBits + 7) / 8
	h.lengthBytes = widthOf(min(h.most, h.managedMaxBytes))
	return h, nil
}

// object returns that of an id.
func (h *fractalHeap) object(id []byte) ([]byte, error) {
	c := h.cursorOf(id, "the id of an object in a heap")
	kind := c.byte() >> 4 & 3
	switch kind {
	case 0:
		at, n := c.number(h.offsetBytes), c.number(h.lengthBytes)
		if c.failure != nil {
			return nil, c.failure
		}
		return h.managed(at, n)
	case 2: // in the id itself
		n := int(id[0]&15) + 1
		data := c.bytes(n)
		return data, c.failure
	}
	return nil, broken("an object of kind %d in a heap is not known", kind)
}

// managed returns n bytes at a place in the heap.
func (h *fractalHeap) managed(at, n uint64) ([]byte, error) {
	if h.rows == 0 {
		return h.direct(h.root, at, n, h.start)
	}
	return h.indirect(h.root, h.rows, at, n, 0)
}

func (h *fractalHeap) direct(address, at, n, size uint64) ([]byte, error) {
	if at > size || n > size-at {
		return nil, broken("an object of %d bytes at %d of a block of %d in a heap", n, at, size)
	}
	c, err := h.cursor(address, size, "a block of a heap")
	if err != nil {
		return nil, err
	}
	c.magic("FHDB")
	if c.failure != nil {
		return nil, c.failure
	}
	return c.data[at : at+n], nil
}

// rowSize is the size of a block in a row.
func (h *fractalHeap) rowSize(row int) uint64 {
	if row == 0 {
		return h.start
	}
	if bits.Len64(h.start)+row-1 > 63 {
		return 1 << 63
	}
	return h.start << (row - 1)
}

func (h *fractalHeap) indirect(address uint64, rows int, at, n uint64, depth int) ([]byte, error) {
	if depth > depthLimit {
		return nil, broken("a heap of blocks in blocks, more than %d deep", depthLimit)
	}
	begin := uint64(0) // of the row in this block
	index := uint64(0) // of the row's first child
	for row := range rows {
		size := h.rowSize(row)
		if size >= 1<<62 {
			break
		}
		if at >= begin+size*h.width {
			begin += size * h.width
			index += h.width
			continue
		}
		nth := (at - begin) / size
		head := uint64(5 + h.offset + h.offsetBytes)
		c, err := h.cursor(address, head+(index+nth+1)*uint64(h.offset), "a table of a heap")
		if err != nil {
			return nil, err
		}
		c.magic("FHIB")
		c.bytes(int(head) - 4 + int(index+nth)*h.offset)
		child := c.address()
		if c.failure != nil {
			return nil, c.failure
		}
		inner := at - begin - nth*size
		if size <= h.most {
			return h.direct(child, inner, n, size)
		}
		// A table of blocks for size bytes in all.
		below := 0
		for sum := uint64(0); sum < size && below < 64; below++ {
			sum += h.rowSize(below) * h.width
		}
		return h.indirect(child, below, inner, n, depth+1)
	}
	return nil, broken("an object at %d is outside its heap", at)
}

// eachHeaped goes over the objects of a heap whose ids are in a B-tree of version 2, after
// some bytes of each record.
func (f *File) eachHeaped(heap, tree uint64, kind byte, before int, do func(object []byte) error) error {
	h, err := f.fractalHeap(heap)
	if err != nil {
		return err
	}
	return f.eachRecord(tree, kind, func(record []byte) error {
		if len(record) < before+h.idBytes || h.idBytes == 0 {
			return broken("a record of %d bytes in a B-tree of ids of %d", len(record), h.idBytes)
		}
		object, err := h.object(record[before : before+h.idBytes])
		if err != nil {
			return err
		}
		return do(object)
	})
}

// collections are those of the global heap that have been read, by their addresses.
type collections struct {
	read  map[uint64]map[uint64][]byte
	bytes uint64
}

// globalObject returns an object of a collection in the global heap, where strings of any
// length are.
func (f *File) globalObject(address, index uint64) ([]byte, error) {
	if f.strings.read[address] == nil {
		if err := f.readCollection(address); err != nil {
			return nil, err
		}
	}
	object, ok := f.strings.read[address][index]
	if !ok {
		return nil, broken("a collection of strings without number %d", index)
	}
	return object, nil
}

func (f *File) readCollection(address uint64) error {
	const what = "a collection of strings"
	c, err := f.cursor(address, uint64(8+f.length), what)
	if err != nil {
		return err
	}
	c.magic("GCOL")
	c.version(1)
	c.bytes(3)
	size := c.size()
	if c.failure != nil {
		return c.failure
	}
	// Collections that lie in each other would take more memory than the file has bytes.
	if f.strings.bytes += size; size > f.size || f.strings.bytes > f.size {
		return broken("collections of strings of %d bytes, in a file of %d", f.strings.bytes, f.size)
	}
	head := c.at
	if c, err = f.cursor(address, size, what); err != nil {
		return err
	}
	c.bytes(head)
	objects := map[uint64][]byte{}
	for len(c.data)-c.at >= 8+f.length {
		index := c.number(2)
		c.bytes(6)
		n := c.size()
		if index == 0 {
			break // free space
		}
		if n > uint64(len(c.data)) {
			return broken("%s with a string of %d bytes", what, n)
		}
		objects[index] = c.bytes(int(n))
		if rest := int(n) % 8; rest != 0 {
			c.bytes(min(8-rest, len(c.data)-c.at))
		}
		if c.failure != nil {
			return c.failure
		}
	}
	f.strings.read[address] = objects
	return nil
}
