package tensorflow

import (
	"encoding/binary"
	"hash/crc32"
)

// A tableWriter writes a table of LevelDB's form, in memory.
type tableWriter struct {
	out          []byte
	block, index blockWriter
	last         string // key
	handle       []byte // of a block that is not in the index yet, for want of the next key
}

const (
	blockBytes      = 256 << 10 // from which on a block is finished
	restartInterval = 16        // entries from one whose key is whole to the next
)

func newTableWriter() *tableWriter {
	return &tableWriter{block: blockWriter{interval: restartInterval}, index: blockWriter{interval: 1}}
}

// add adds an entry whose key comes after those of all before it.
func (t *tableWriter) add(key string, value []byte) {
	if t.handle != nil {
		t.index.add(between(t.last, key), t.handle)
		t.handle = nil
	}
	t.block.add(key, value)
	t.last = key
	if t.block.size() >= blockBytes {
		t.handle = t.write(&t.block)
	}
}

// write writes a block that is not compressed, and returns its handle.
func (t *tableWriter) write(b *blockWriter) (handle []byte) {
	data := append(b.finish(), 0)
	handle = binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(t.out))), uint64(len(data)-1))
	t.out = append(t.out, data...)
	t.out = binary.LittleEndian.AppendUint32(t.out, masked(crc32.Checksum(data, castagnoli)))
	return handle
}

// finish returns the whole table.
func (t *tableWriter) finish() []byte {
	if t.block.count > 0 {
		t.handle = t.write(&t.block)
	}
	nothing := blockWriter{interval: 1} // a block of metadata, which is empty
	footer := t.write(&nothing)
	if t.handle != nil {
		t.index.add(behind(t.last), t.handle)
	}
	footer = append(footer, t.write(&t.index)...)
	footer = append(footer, make([]byte, footerBytes-len(tableMagic)-len(footer))...)
	return append(append(t.out, footer...), tableMagic...)
}

// between is a short key, in the index, that does not come before a and comes before b.
func between(a, b string) string {
	shared := 0
	for shared < min(len(a), len(b)) && a[shared] == b[shared] {
		shared++
	}
	if shared < min(len(a), len(b)) && a[shared] < 0xff && a[shared]+1 < b[shared] {
		return a[:shared] + string([]byte{a[shared] + 1})
	}
	return a
}

// behind is a short key that does not come before a.
func behind(a string) string {
	for i := range len(a) {
		if a[i] != 0xff {
			return a[:i] + string([]byte{a[i] + 1})
		}
	}
	return a
}

// A blockWriter makes blocks: entries whose keys leave out what they share with the one
// before, and where the entries are whose keys are whole.
type blockWriter struct {
	interval int
	data     []byte
	restarts []uint32
	count    int // entries
	last     string
}

func (b *blockWriter) add(key string, value []byte) {
	shared := 0
	if b.count%b.interval == 0 {
		b.restarts = append(b.restarts, uint32(len(b.data)))
	} else {
		for shared < min(len(key), len(b.last)) && key[shared] == b.last[shared] {
			shared++
		}
	}
	for _, n := range []int{shared, len(key) - shared, len(value)} {
		b.data = binary.AppendUvarint(b.data, uint64(n))
	}
	b.data = append(append(b.data, key[shared:]...), value...)
	b.last = key
	b.count++
}

// size is that of the block if it were finished.
func (b *blockWriter) size() int { return len(b.data) + 4*len(b.restarts) + 4 }

// finish returns the block, and begins another.
func (b *blockWriter) finish() []byte {
	if len(b.restarts) == 0 {
		b.restarts = []uint32{0}
	}
	data := b.data
	for _, at := range b.restarts {
		data = binary.LittleEndian.AppendUint32(data, at)
	}
	data = binary.LittleEndian.AppendUint32(data, uint32(len(b.restarts)))
	*b = blockWriter{interval: b.interval}
	return data
}
