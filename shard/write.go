package shard

import (
	"encoding/json"
	"io"
)

// A Header is the first line of a shard's file.
type Header struct {
	// Kind is what was done, such as "predictions". Files of other kinds are not joined.
	Kind string `json:"inception_shard"`
	Shard
	// Things is how many all shards have, of which this one has its Range.
	Things int `json:"things"`
	// Settings are what a result depends on, in an order that is the same for all. Shards
	// whose settings differ are not joined.
	Settings []Setting `json:"settings"`
	// Common is what else all shards say alike.
	Common json.RawMessage `json:"common"`
}

// A Setting is something that results depend on.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// an ending is the last line of a shard's file, by which it is known to be whole.
type ending struct {
	Records *int `json:"records"`
}

// A Writer writes a shard's file: JSON lines, of which the first is the header, the last
// tells how many records there are, and each of the others is one.
type Writer struct {
	out     *json.Encoder
	records int
}

// NewWriter writes the header.
func NewWriter(out io.Writer, h Header) (*Writer, error) {
	w := &Writer{out: json.NewEncoder(out)}
	return w, w.out.Encode(h)
}

// Append writes the record of the next thing, which becomes a JSON object without a field
// "records".
func (w *Writer) Append(record any) error {
	w.records++
	return w.out.Encode(record)
}

// Close writes the last line.
func (w *Writer) Close() error { return w.out.Encode(ending{&w.records}) }
