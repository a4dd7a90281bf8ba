package tensorflow

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// textLimit bounds the bytes of all texts of a checkpoint, which are in memory while it is
// open.
const textLimit = 64 << 20

// isText tells what Write stores as metadata from what TensorFlow does of its own objects,
// whose names are paths or begin with an underscore.
func isText(name string, e entry) bool {
	return e.dtype == stringType && len(e.shape) == 0 && len(e.slices) == 0 && !strings.HasPrefix(name, "_") && !strings.Contains(name, "/")
}

// readTexts reads the strings without axes.
func (b *bundle) readTexts() error {
	total := int64(0)
	for _, name := range slices.Sorted(maps.Keys(b.entries)) {
		e := b.entries[name]
		if !isText(name, e) {
			continue
		}
		if total += e.size; total > textLimit {
			return b.mismatch(name, fmt.Sprintf("at most %d bytes of text in the checkpoint", textLimit), "more", "shorten it")
		}
		text, err := b.text(name, e)
		if err != nil {
			return err
		}
		if b.texts == nil {
			b.texts = map[string]string{}
		}
		b.texts[name] = text
	}
	return nil
}

// text reads a tensor of one string.
func (b *bundle) text(name string, e entry) (string, error) {
	from := b.shards[e.shard]
	data := make([]byte, e.size)
	if _, err := from.file.ReadAt(data, e.offset); err != nil {
		return "", fmt.Errorf("%s: %s: reading: %w", b.format, from.name, err)
	}
	length, n := binary.Uvarint(data)
	if n <= 0 || len(data)-n < crc32.Size || uint64(len(data)-n-crc32.Size) != length {
		return "", b.mismatch(name, fmt.Sprintf("a length, its checksum and so many bytes of text in %d bytes", e.size), "others", copyAgain)
	}
	text := string(data[n+crc32.Size:])
	again, sum := encodeString(text)
	if sum != e.sum || string(again) != string(data) {
		return "", b.mismatch(name, "the checksum of the index", "another: the bytes in "+tensorfile.Quote(from.name)+" have changed", copyAgain)
	}
	return text, nil
}
