package features

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/weights/npz"
)

// npy writes numpy's format for one array (numpy/lib/format.py).
type npy struct {
	patched
	h      Header
	rows   int
	length int // of what comes before the rows
	values []byte
}

const float32Type = "<f4"

func beginNPY(w io.WriteSeeker, h Header) (encoder, error) {
	e := &npy{patched: newPatched(w), h: h}
	beginning := e.beginning(len(h.Files))
	e.length = len(beginning)
	_, err := e.Write(beginning)
	return e, err
}

func (e *npy) beginning(rows int) []byte {
	return npz.Header(float32Type, append([]int{rows}, e.h.Shape...))
}

func (e *npy) row(r Row) (err error) {
	if r.Err != nil {
		return nil
	}
	e.rows++
	e.values, err = writeFloats(e, e.values[:0], r.Values)
	return err
}

func (e *npy) end() error {
	beginning := e.beginning(e.rows)
	if len(beginning) != e.length {
		return fmt.Errorf("an array of the shape %v by %d rows does not fit the header that was left for %d", e.h.Shape, e.rows, len(e.h.Files))
	}
	return e.patch(beginning)
}

// writeFloats writes what is in a buffer and little-endian values, and returns the buffer to be
// used again.
func writeFloats(w io.Writer, buffer []byte, values []float32) ([]byte, error) {
	for _, v := range values {
		buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
	}
	_, err := w.Write(buffer)
	return buffer, err
}

// WriteArray writes one array, rows first, as an .npy file. It appears whole or not at all.
func WriteArray(path string, shape []int, values []float32) error {
	elements := 1
	for _, n := range shape {
		elements *= n
	}
	if len(values) != elements {
		return fmt.Errorf("%s: an array of the shape %v has %d values, found %d", path, shape, elements, len(values))
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := writeFloats(w, npz.Header(float32Type, shape), values)
		return err
	})
}

// namesEnding is that of the file beside an array, after the array's own name.
const namesEnding = ".json"

// writeNames writes what an array cannot say of itself.
func writeNames(path string, h Header, rows []string) error {
	data, err := json.MarshalIndent(struct {
		About
		Files []string `json:"files"`
	}{h.About, utf8Names(rows)}, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(path, append(data, '\n')); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func utf8Names(files []string) []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = printable.UTF8(f)
	}
	return names
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
