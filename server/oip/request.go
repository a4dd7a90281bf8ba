package oip

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Request is an inference request that agrees with its model.
type Request struct {
	ID string
	// Input is the images.
	Input Tensor
	// Outputs are those that are asked for, all that metadata tells where none are named.
	Outputs []OutputRequest
	// Timeout is how long the answer is of use; 0 stands for no limit.
	Timeout time.Duration
	// Priority orders requests that wait, the largest first: 0 is that of a request that says
	// nothing.
	Priority int
}

// Priorities is how many there are, of which 1 is the highest, as the protocol counts, and
// DefaultPriority that of requests that say none. Those beyond are the last.
const (
	Priorities      = 5
	DefaultPriority = 3
)

// An OutputRequest is an output that is asked for.
type OutputRequest struct {
	Index int // among Model.Outputs
	// Classification is how many of the largest values to answer, as "value:index:label";
	// 0 stands for the tensor.
	Classification int
	// Binary asks for bytes behind the JSON.
	Binary bool
}

// requestJSON is the body of POST v2/models/NAME/infer.
type requestJSON struct {
	ID         string           `json:"id"`
	Parameters parameters       `json:"parameters"`
	Inputs     []inputJSON      `json:"inputs"`
	Outputs    []outputAskedFor `json:"outputs"`
}

type inputJSON struct {
	Name       string          `json:"name"`
	Shape      []int64         `json:"shape"`
	Datatype   string          `json:"datatype"`
	Parameters parameters      `json:"parameters"`
	Data       json.RawMessage `json:"data"`
}

type outputAskedFor struct {
	Name       string     `json:"name"`
	Parameters parameters `json:"parameters"`
}

// Parse reads an inference request: its JSON, and the bytes of tensors that follow it. The
// Request keeps both.
func (m *Model) Parse(text, tensors []byte) (*Request, error) {
	if err := CheckJSON(text, []string{"inputs", "*", "data"}); err != nil {
		return nil, err
	}
	var in requestJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, jsonFault(err, len(text))
	}
	r, err := m.parse(in)
	if err != nil {
		return nil, err
	}
	return r, r.Input.read(in.Inputs[0], tensors)
}

// parse checks all of a request but its tensors' elements.
func (m *Model) parse(in requestJSON) (*Request, error) {
	r := &Request{ID: in.ID}
	if err := m.parseParameters(r, in.Parameters); err != nil {
		return nil, err
	}
	if err := m.parseOutputs(r, in); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, input := range in.Inputs {
		switch {
		case input.Name == "":
			return nil, faultf("inputs[%d].name: expected %q, found nothing", i, m.Input.Name)
		case seen[input.Name]:
			return nil, faultf("inputs[%d].name: the input %q is there twice", i, input.Name)
		case input.Name != m.Input.Name:
			return nil, faultf("inputs[%d].name: the model %s has the input %q, found %q", i, m.Name, m.Input.Name, input.Name)
		}
		seen[input.Name] = true
	}
	if len(in.Inputs) == 0 {
		return nil, faultf("inputs: expected the input %q, found none", m.Input.Name)
	}
	var err error
	r.Input, err = m.checkInput(in.Inputs[0])
	return r, err
}

// ParseRaw makes a request of a body that is the file of a picture.
func (m *Model) ParseRaw(body []byte) (*Request, error) {
	if len(body) == 0 {
		return nil, faultf("the body is empty, expected the file of a picture for the input %q", m.Input.Name)
	}
	r := &Request{Input: Tensor{Datatype: Bytes, Batch: 1, files: [][]byte{body}}}
	return r, m.parseOutputs(r, requestJSON{})
}

func (m *Model) parseParameters(r *Request, p parameters) error {
	var timeout, priority uint64
	err := errors.Join(p.whole("parameters", "timeout", &timeout), p.whole("parameters", "priority", &priority))
	if err != nil {
		return firstOf(err)
	}
	if priority > 0 {
		r.Priority = DefaultPriority - int(min(priority, Priorities))
	}
	const most = math.MaxInt64 / uint64(time.Microsecond)
	r.Timeout = time.Duration(min(timeout, most)) * time.Microsecond
	for _, name := range []string{"sequence_id", "sequence_start", "sequence_end"} {
		if v, ok := p[name]; ok && v != false && v != json.Number("0") && v != "" {
			return faultf("parameters.%s: the model %s keeps nothing between requests; leave it out", name, m.Name)
		}
	}
	return nil
}

func (m *Model) parseOutputs(r *Request, in requestJSON) error {
	binary := false
	if err := in.Parameters.boolean("parameters", "binary_data_output", &binary); err != nil {
		return err
	}
	if len(in.Outputs) == 0 {
		for i := range m.DescribedOutputs() {
			r.Outputs = append(r.Outputs, OutputRequest{Index: i, Binary: binary})
		}
		return nil
	}
	if len(in.Outputs) > len(m.Outputs) {
		return faultf("outputs: the model %s has %d outputs, found %d", m.Name, len(m.Outputs), len(in.Outputs))
	}
	for i, asked := range in.Outputs {
		field := fmt.Sprintf("outputs[%d]", i)
		o := OutputRequest{Index: m.output(asked.Name), Binary: binary}
		if o.Index < 0 {
			return faultf("%s.name: the model %s has the outputs %q, found %q", field, m.Name, m.outputNames(), asked.Name)
		}
		if slices.ContainsFunc(r.Outputs, func(other OutputRequest) bool { return other.Index == o.Index }) {
			return faultf("%s.name: the output %q is there twice", field, asked.Name)
		}
		field += ".parameters"
		var classes uint64
		err := errors.Join(asked.Parameters.boolean(field, "binary_data", &o.Binary), asked.Parameters.whole(field, "classification", &classes), noSharedMemory(field, asked.Parameters))
		if err != nil {
			return firstOf(err)
		}
		o.Classification = int(min(classes, math.MaxInt32))
		r.Outputs = append(r.Outputs, o)
	}
	return nil
}

// jsonFault says where JSON is wrong.
func jsonFault(err error, length int) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	var fault *Error
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &kind):
		field := kind.Field
		if field == "" {
			field = "the body"
		}
		return faultf("%s: found a JSON %s, expected %s (at byte %d)", field, kind.Value, jsonKind(kind), kind.Offset)
	case errors.As(err, &syntax) && length == 0:
		return faultf("the body is empty, expected JSON")
	case errors.As(err, &syntax):
		return faultf("the body is no JSON: %v, at byte %d of %d", err, syntax.Offset, length)
	}
	return faultf("the body is no JSON: %v", err)
}

// jsonKind names what a field takes in JSON's words.
func jsonKind(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "string":
		return "a string"
	case "slice":
		return "an array"
	case "struct", "map":
		return "an object"
	}
	return "a whole number"
}

// parameters are those of a request, an input or an output: numbers are json.Number.
type parameters map[string]any

func (p *parameters) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return faultf("parameters: expected an object, found %s", shortened(text))
	}
	*p = all
	return nil
}

func shortened(text []byte) []byte { return text[:min(len(text), 40)] }

// whole reads a parameter that is a whole number of at least 0.
func (p parameters) whole(field, name string, to *uint64) error {
	v, ok := p[name]
	if !ok {
		return nil
	}
	if n, ok := v.(json.Number); ok {
		if whole, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
			*to = whole
			return nil
		}
	}
	return faultf("%s.%s: expected a whole number of at least 0, found %v", field, name, v)
}

// boolean reads a parameter that is true or false.
func (p parameters) boolean(field, name string, to *bool) error {
	v, ok := p[name]
	if !ok {
		return nil
	}
	if *to, ok = v.(bool); !ok {
		return faultf("%s.%s: expected true or false, found %v", field, name, v)
	}
	return nil
}

func noSharedMemory(field string, p parameters) error {
	for _, name := range []string{"shared_memory_region", "shared_memory_offset", "shared_memory_byte_size"} {
		if _, ok := p[name]; ok {
			return &Error{http.StatusNotImplemented, fmt.Sprintf("%s.%s: shared memory is not supported; send the data in the request", field, name)}
		}
	}
	return nil
}

// firstOf returns the first Error of several, so that its status stays.
func firstOf(err error) error {
	var fault *Error
	if errors.As(err, &fault) {
		return fault
	}
	return err
}
