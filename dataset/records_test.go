package dataset

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The writer of TFRecord files here shares nothing with the reader: its sums go bit by
// bit, and its messages are put together from the definition of the wire format.

// castagnoli is the CRC-32C of RFC 3720, appendix B.4.
func castagnoli(data []byte) uint32 {
	sum := ^uint32(0)
	for _, b := range data {
		sum ^= uint32(b)
		for range 8 {
			low := sum & 1
			sum >>= 1
			if low == 1 {
				sum ^= 0x82F63B78
			}
		}
	}
	return ^sum
}

func masked(data []byte) []byte {
	sum := castagnoli(data)
	return binary.LittleEndian.AppendUint32(nil, (sum>>15|sum<<17)+0xa282ead8)
}

// recordBytes frames data as a record.
func recordBytes(data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	return slices.Concat(length, masked(length), data, masked(data))
}

// message is a field of wire type 2.
func message(number int, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	out := binary.AppendUvarint(nil, uint64(number<<3|2))
	out = binary.AppendUvarint(out, uint64(len(content)))
	return append(out, content...)
}

// A feature is a name and a serialised tf.train.Feature.
type feature struct {
	name  string
	value []byte
}

func textFeature(name, value string) feature {
	return feature{name, message(1, message(1, []byte(value)))}
}

// intFeature has packed numbers, as TensorFlow writes them.
func intFeature(name string, value int64) feature {
	return feature{name, message(3, message(1, binary.AppendUvarint(nil, uint64(value))))}
}

// looseFeature has a number that is not packed, which readers must accept too.
func looseFeature(name string, value int64) feature {
	return feature{name, message(3, binary.AppendUvarint([]byte{1 << 3}, uint64(value)))}
}

func floatFeature(name string) feature {
	return feature{name, message(2, message(1, []byte{0, 0, 128, 63}))}
}

// exampleBytes is a serialised tf.train.Example.
func exampleBytes(features ...feature) []byte {
	var entries [][]byte
	for _, f := range features {
		entries = append(entries, message(1, message(1, []byte(f.name)), message(2, f.value)))
	}
	return message(1, entries...)
}

// imageRecord is a record as TF-slim's build_imagenet_data.py writes it, in the order
// of a hash map.
func imageRecord(image []byte, label int64, filename, synset, text string) []byte {
	return recordBytes(exampleBytes(
		intFeature("image/height", 10),
		floatFeature("image/object/bbox/xmin"),
		textFeature("image/filename", filename),
		textFeature("image/encoded", string(image)),
		textFeature("image/class/synset", synset),
		textFeature("image/class/text", text),
		textFeature("image/colorspace", "RGB"),
		intFeature("image/class/label", label),
	))
}
