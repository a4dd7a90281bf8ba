package dataset

import (
	"bytes"
	"encoding/binary"

	"github.com/seed-fb2c0fa6/inception/internal/tfrecord"
)

// The messages here are put together from the definition of the wire format, and share
// nothing with the reader.

// recordBytes frames data as a record.
func recordBytes(data []byte) []byte { return tfrecord.Append(nil, data) }

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
