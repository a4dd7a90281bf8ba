package hdf5

// Kinds of B-trees of version 1.
const (
	groupTree = 0
	chunkTree = 1
)

// eachLeaf goes over the children of the leaves of a B-tree of version 1, with the key
// before each, which has keyBytes bytes.
func (f *File) eachLeaf(root uint64, kind byte, keyBytes int, do func(key []byte, child uint64) error) error {
	seen := map[uint64]bool{}
	var visit func(address uint64, level int) error
	visit = func(address uint64, level int) error {
		const what = "a node of a B-tree"
		if seen[address] {
			return broken("a B-tree goes around")
		}
		seen[address] = true
		head := uint64(8 + 2*f.offset)
		c, err := f.cursor(address, head, what)
		if err != nil {
			return err
		}
		c.magic("TREE")
		found, at := c.byte(), int(c.byte())
		count := int(c.number(2))
		if c.failure != nil {
			return c.failure
		}
		if found != kind || level >= 0 && at != level {
			return broken("a node of a B-tree of kind %d at level %d, expected kind %d at level %d", found, at, kind, level)
		}
		if c, err = f.cursor(address+head, uint64(count*(keyBytes+f.offset)), what); err != nil {
			return err
		}
		for range count {
			key, child := c.bytes(keyBytes), c.address()
			if c.failure != nil {
				return c.failure
			}
			if at > 0 {
				err = visit(child, at-1)
			} else {
				err = do(key, child)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return visit(root, -1)
}

// eachRecord goes over the records of a B-tree of version 2.
func (f *File) eachRecord(address uint64, kind byte, do func(record []byte) error) error {
	const what = "a B-tree"
	c, err := f.upTo(address, 64, what)
	if err != nil {
		return err
	}
	c.magic("BTHD")
	c.version(0)
	if found := c.byte(); c.failure == nil && found != kind {
		return broken("a B-tree of type %d, expected %d", found, kind)
	}
	nodeBytes, recordBytes, depth := c.number(4), int(c.number(2)), int(c.number(2))
	c.bytes(2)
	root, count := c.address(), int(c.number(2))
	if c.failure != nil {
		return c.failure
	}
	const overhead = 10 // magic, version, type and checksum
	if recordBytes == 0 || nodeBytes < overhead+uint64(recordBytes) || nodeBytes > f.size || depth > depthLimit {
		return broken("a B-tree of nodes of %d bytes, records of %d, %d deep", nodeBytes, recordBytes, depth)
	}
	if root == undefined {
		return nil
	}
	// The counts of records below a node take as many bytes as the most that there can be.
	most := []uint64{(nodeBytes - overhead) / uint64(recordBytes)}
	total := []uint64{most[0]}
	countBytes := widthOf(most[0])
	for level := 1; level <= depth; level++ {
		pointer := uint64(f.offset + countBytes)
		if level > 1 {
			pointer += uint64(widthOf(total[level-1]))
		}
		if nodeBytes < overhead+pointer {
			return broken("a B-tree of nodes of %d bytes", nodeBytes)
		}
		most = append(most, (nodeBytes-overhead-pointer)/(uint64(recordBytes)+pointer))
		all := (most[level]+1)*total[level-1] + most[level]
		if all < total[level-1] || all > 1<<48 {
			return broken("a B-tree %d deep", depth)
		}
		total = append(total, all)
	}
	seen := map[uint64]bool{}
	var visit func(address uint64, count, level int) error
	visit = func(address uint64, count, level int) error {
		if seen[address] {
			return broken("a B-tree goes around")
		}
		seen[address] = true
		if uint64(count) > most[level] {
			return broken("%d records in a node of a B-tree that has room for %d", count, most[level])
		}
		c, err := f.upTo(address, nodeBytes, "a node of a B-tree")
		if err != nil {
			return err
		}
		c.magic(map[bool]string{true: "BTLF", false: "BTIN"}[level == 0])
		c.version(0)
		c.byte()
		records := make([][]byte, count)
		for i := range records {
			records[i] = c.bytes(recordBytes)
		}
		for i := range records {
			if level > 0 {
				if err := f.child(c, level, countBytes, total, visit); err != nil {
					return err
				}
			}
			if c.failure != nil {
				return c.failure
			}
			if err := do(records[i]); err != nil {
				return err
			}
		}
		if level > 0 {
			return f.child(c, level, countBytes, total, visit)
		}
		return c.failure
	}
	return visit(root, count, depth)
}

func (f *File) child(c *cursor, level, countBytes int, total []uint64, visit func(uint64, int, int) error) error {
	at, count := c.address(), int(c.number(countBytes))
	if level > 1 {
		c.number(widthOf(total[level-1]))
	}
	if c.failure != nil {
		return c.failure
	}
	return visit(at, count, level-1)
}

// widthOf is how many bytes a number up to v takes.
func widthOf(v uint64) int {
	n := 1
	for v >>= 8; v > 0; v >>= 8 {
		n++
	}
	return n
}
