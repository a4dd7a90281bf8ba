package predict

import "github.com/seed-fb2c0fa6/inception/internal/printable"

// A FileName is the name of a file in JSON, which is UTF-8: other bytes are as \xff, and
// then Bytes has the name itself, in base64.
type FileName struct {
	File  string `json:"file"`
	Bytes []byte `json:"file_bytes,omitempty"`
}

// NameOf returns a name for JSON.
func NameOf(name string) FileName {
	n := FileName{File: printable.UTF8(name)}
	if n.File != name {
		n.Bytes = []byte(name)
	}
	return n
}

// A Record is a Photo in JSON: its classes, or its error.
type Record struct {
	FileName
	Width       int          `json:"width,omitempty"`
	Height      int          `json:"height,omitempty"`
	Predictions []Prediction `json:"predictions,omitempty"`
	Error       string       `json:"error,omitempty"`
}

// Record returns the Photo with its k most likely classes.
func (p Photo) Record(k int) Record {
	r := Record{FileName: NameOf(p.Name)}
	if p.Err != nil {
		r.Error = printable.UTF8(p.Err.Error())
		return r
	}
	r.Width, r.Height, r.Predictions = p.Width, p.Height, p.Result.Top(k)
	return r
}
