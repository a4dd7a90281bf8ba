package features

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
)

// jsonLines writes an object for each photograph, in a line.
type jsonLines struct {
	out   io.Writer
	shape []int
	line  []byte
}

func beginJSONLines(w io.WriteSeeker, h Header) (encoder, error) { return newJSONLines(w, h), nil }

func newJSONLines(w io.Writer, h Header) *jsonLines { return &jsonLines{out: w, shape: h.Shape} }

func (e *jsonLines) row(r Row) error {
	file, err := json.Marshal(printable.UTF8(r.File))
	if err != nil {
		return err
	}
	e.line = append(append(e.line[:0], `{"file":`...), file...)
	if name := printable.UTF8(r.File); name != r.File {
		raw, err := json.Marshal([]byte(r.File))
		if err != nil {
			return err
		}
		e.line = append(append(e.line, `,"file_bytes":`...), raw...)
	}
	if r.Err != nil {
		text, err := json.Marshal(printable.UTF8(r.Err.Error()))
		if err != nil {
			return err
		}
		e.line = append(append(e.line, `,"error":`...), text...)
	} else {
		e.line = append(strconv.AppendInt(append(e.line, `,"width":`...), int64(r.Width), 10), `,"height":`...)
		e.line = append(strconv.AppendInt(e.line, int64(r.Height), 10), `,"features":`...)
		e.line = appendNested(e.line, r.Values, e.shape)
	}
	e.line = append(e.line, "}\n"...)
	_, err = e.out.Write(e.line)
	return err
}

func (e *jsonLines) end() error { return nil }

// appendNested appends values as lists in lists, one for each axis.
func appendNested(dst []byte, values []float32, shape []int) []byte {
	if len(shape) == 0 {
		return strconv.AppendFloat(dst, float64(values[0]), 'g', -1, 32)
	}
	dst = append(dst, '[')
	each := len(values) / shape[0]
	for i := range shape[0] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNested(dst, values[i*each:][:each], shape[1:])
	}
	return append(dst, ']')
}
