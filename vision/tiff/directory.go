package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// The tags that are read.
const (
	tagSubfileType     = 254
	tagWidth           = 256
	tagHeight          = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripCounts     = 279
	tagPlanar          = 284
	tagT4Options       = 292
	tagPredictor       = 317
	tagColourMap       = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileCounts      = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagDNGVersion      = 50706
)

// A directory is a file's first directory of tags.
type directory struct {
	data    []byte
	order   binary.ByteOrder
	entries map[uint16]entry
}

// An entry is a tag's values as they are stored.
type entry struct {
	kind   uint16
	count  int
	values []byte
}

// sizeOf is the length in bytes of a type that holds whole numbers; 0 for others.
func sizeOf(kind uint16) int {
	switch kind {
	case 1, 7: // BYTE, UNDEFINED
		return 1
	case 3: // SHORT
		return 2
	case 4, 13: // LONG, IFD
		return 4
	case 16, 18: // LONG8, IFD8
		return 8
	}
	return 0
}

var errDirectory = fmt.Errorf("its directory: %w", io.ErrUnexpectedEOF)

// parseDirectory reads the header and the first directory, of a file with offsets of 32
// bits or of 64 (BigTIFF).
func parseDirectory(data []byte) (*directory, error) {
	if len(data) < 16 {
		return nil, errDirectory
	}
	d := &directory{data: data, entries: map[uint16]entry{}}
	switch string(data[:2]) {
	case "II":
		d.order = binary.LittleEndian
	case "MM":
		d.order = binary.BigEndian
	default:
		return nil, errors.New("its byte order is neither II nor MM")
	}
	// The widths of an offset and of an entry differ.
	wide := d.order.Uint16(data[2:]) == 43
	word, length := 4, 12
	at := int64(d.order.Uint32(data[4:]))
	if wide {
		word, length = 8, 20
		at = d.offset(data[8:], true)
	}
	if at < 0 || at+8 > int64(len(data)) {
		return nil, errDirectory
	}
	count, rest := int64(d.order.Uint16(data[at:])), data[at+2:]
	if wide {
		count, rest = d.offset(data[at:], true), data[at+8:]
	}
	if count < 0 || count > int64(len(rest)/length) {
		return nil, errDirectory
	}
	for range count {
		b := rest[:length]
		rest = rest[length:]
		e := entry{kind: d.order.Uint16(b[2:]), values: b[4+word:]}
		n := d.offset(b[4:], wide)
		size := int64(sizeOf(e.kind))
		if size == 0 || n < 0 || n > int64(len(data))/size {
			continue
		}
		e.count = int(n)
		if n*size > int64(word) {
			from := d.offset(e.values, wide)
			if from < 0 || from > int64(len(data))-n*size {
				continue
			}
			e.values = data[from:]
		}
		e.values = e.values[:n*size]
		d.entries[d.order.Uint16(b)] = e
	}
	return d, nil
}

// offset reads a count or an offset; -1 for one beyond all files.
func (d *directory) offset(b []byte, wide bool) int64 {
	if !wide {
		return int64(d.order.Uint32(b))
	}
	if v := d.order.Uint64(b); v <= math.MaxInt64/2 {
		return int64(v)
	}
	return -1
}

// len returns the number of a tag's values.
func (d *directory) len(tag uint16) int { return d.entries[tag].count }

// at returns one of a tag's values.
func (d *directory) at(tag uint16, i int) int64 {
	e := d.entries[tag]
	b := e.values[i*sizeOf(e.kind):]
	switch sizeOf(e.kind) {
	case 1:
		return int64(b[0])
	case 2:
		return int64(d.order.Uint16(b))
	case 4:
		return int64(d.order.Uint32(b))
	}
	return d.offset(b, true)
}

// value returns a tag's first value, or what stands for it where the tag is missing.
func (d *directory) value(tag uint16, missing int64) int64 {
	if d.len(tag) == 0 {
		return missing
	}
	return d.at(tag, 0)
}
