package features

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
)

// commaSeparated writes the photograph and its values in a line.
type commaSeparated struct {
	*csv.Writer
	fields []string
}

func beginCSV(w io.WriteSeeker, h Header) (encoder, error) {
	e := &commaSeparated{csv.NewWriter(w), []string{"file"}}
	for i := range h.values() {
		e.fields = append(e.fields, fmt.Sprintf("feature_%d", i))
	}
	return e, e.Write(e.fields)
}

func (e *commaSeparated) row(r Row) error {
	if r.Err != nil {
		return nil
	}
	e.fields[0] = printable.UTF8(r.File)
	for i, v := range r.Values {
		e.fields[1+i] = strconv.FormatFloat(float64(v), 'g', -1, 32)
	}
	return e.Write(e.fields)
}

func (e *commaSeparated) end() error {
	e.Flush()
	return e.Error()
}
