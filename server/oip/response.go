package oip

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// A Response is what a model says of a request.
type Response struct {
	ModelName    string   `json:"model_name"`
	ModelVersion string   `json:"model_version"`
	ID           string   `json:"id,omitempty"`
	Outputs      []Output `json:"outputs"`
	// Sizes are the widths and heights of pictures, and Fingerprint tells the model's classes
	// from others, over gRPC alone.
	Sizes       [][2]int `json:"-"`
	Fingerprint string   `json:"-"`
}

// An Output is one tensor of a Response: of Values or Texts.
type Output struct {
	Name     string
	Datatype string
	Shape    []int64
	// Values are of FP32, finite numbers.
	Values []float32
	// Texts are of BYTES.
	Texts []string
	// Binary puts it behind the JSON.
	Binary bool
}

// Class writes one class as the classification extension has it; classes without a label
// have none.
func Class(value float32, index int, label string) string {
	text := fmt.Sprintf("%f:%d", value, index)
	if label != "" {
		text += ":" + label
	}
	return text
}

// Encode returns the body of a response, and how much of it is JSON for the header
// HeaderLength; zero where all of it is and the header is left out.
func (r *Response) Encode() (body []byte, headerLength int, err error) {
	var tensors []byte
	if body, err = json.Marshal(r); err != nil {
		return nil, 0, err
	}
	binaries := false
	for _, o := range r.Outputs {
		if o.Binary {
			binaries = true
			tensors = o.appendBytes(tensors)
		}
	}
	if !binaries {
		return body, 0, nil
	}
	return append(body, tensors...), len(body), nil
}

// MarshalJSON writes an output's JSON.
func (o Output) MarshalJSON() ([]byte, error) {
	out := struct {
		Name       string         `json:"name"`
		Datatype   string         `json:"datatype"`
		Shape      []int64        `json:"shape"`
		Parameters map[string]any `json:"parameters,omitempty"`
		Data       any            `json:"data,omitempty"`
	}{Name: o.Name, Datatype: o.Datatype, Shape: o.Shape}
	switch {
	case o.Binary:
		out.Parameters = map[string]any{"binary_data_size": o.size()}
	case o.Datatype == Bytes:
		out.Data = o.Texts
	default:
		out.Data = o.Values
	}
	return json.Marshal(out)
}

// size is how many bytes the output takes behind the JSON.
func (o *Output) size() int {
	n := 4 * len(o.Values)
	for _, t := range o.Texts {
		n += 4 + len(t)
	}
	return n
}

func (o *Output) appendBytes(to []byte) []byte {
	for _, v := range o.Values {
		to = binary.LittleEndian.AppendUint32(to, math.Float32bits(v))
	}
	for _, t := range o.Texts {
		to = append(binary.LittleEndian.AppendUint32(to, uint32(len(t))), t...)
	}
	return to
}
