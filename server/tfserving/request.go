package tfserving

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// DefaultSignature is that of requests that name none.
const DefaultSignature = "serving_default"

// A Model is what requests are checked against.
type Model struct {
	Name, Version string
	// Input is the only input, and Shape that of an image, without the batch. It takes
	// numbers, or the files of pictures as {"b64": "..."}.
	Input string
	Shape []int
	// Signatures are the outputs that may be asked for, by the names of signatures.
	Signatures map[string]Output
	// MaxBatch is how many images a request may have.
	MaxBatch int
}

// An Output is what a signature answers.
type Output struct {
	Name   string
	Values int // of an image, or oip.Any
}

// A Request is a request to predict that agrees with its model.
type Request struct {
	Output Output
	// Columns says that the request has "inputs", so that its answer has "outputs".
	Columns bool
	// Images are all files, or all values.
	Images []Image
}

// An Image is the file of a picture, or the values of what the network takes.
type Image struct {
	File   []byte
	Values []float32
}

func faultf(format string, args ...any) error {
	return &oip.Error{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// Parse reads the body of a request to predict. Fields that the protocol does not have are
// ignored, as TensorFlow Serving ignores them.
func (m *Model) Parse(body []byte) (*Request, error) {
	if err := oip.CheckJSON(body, []string{"instances"}, []string{"inputs"}); err != nil {
		return nil, err
	}
	var in struct {
		Signature *string         `json:"signature_name"`
		Instances json.RawMessage `json:"instances"`
		Inputs    json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, m.jsonFault(err, body)
	}
	name := DefaultSignature
	if in.Signature != nil && *in.Signature != "" {
		name = *in.Signature
	}
	output, ok := m.Signatures[name]
	if !ok {
		return nil, faultf("signature_name: the model %s has the signatures %q, found %q", m.Name, slices.Sorted(maps.Keys(m.Signatures)), name)
	}
	r := &Request{Output: output}
	var err error
	switch {
	case in.Instances != nil && in.Inputs != nil:
		return nil, faultf("found instances and inputs; give one of them: instances for rows, or inputs for columns")
	case in.Instances != nil:
		r.Images, err = m.parseRows(in.Instances)
	case in.Inputs != nil:
		r.Columns = true
		r.Images, err = m.parseColumn(in.Inputs)
	default:
		return nil, faultf(`instances: expected %s, or as "inputs", found neither`, m.example())
	}
	return r, err
}

func (m *Model) example() string {
	return `{"instances": [{"b64": "..."}, ...]} with the files of pictures in base64`
}

func (m *Model) jsonFault(err error, body []byte) error {
	var kind *json.UnmarshalTypeError
	switch {
	case len(body) == 0:
		return faultf("the body is empty, expected %s", m.example())
	case errors.As(err, &kind) && kind.Field != "":
		return faultf("%s: expected a string, found a JSON %s", kind.Field, kind.Value)
	case errors.As(err, &kind):
		return faultf("the body: expected %s, found a JSON %s", m.example(), kind.Value)
	}
	return faultf("the body is no JSON: %v; expected %s", err, m.example())
}

// parseRows reads instances: values, or objects that name the input.
func (m *Model) parseRows(text json.RawMessage) ([]Image, error) {
	rows, err := m.elements("instances", text)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		if rows[i], err = m.named(fmt.Sprintf("instances[%d]", i), row); err != nil {
			return nil, err
		}
	}
	return m.images("instances", rows)
}

// parseColumn reads inputs: the input's tensor, or an object that names it.
func (m *Model) parseColumn(text json.RawMessage) ([]Image, error) {
	text, err := m.named("inputs", text)
	if err != nil {
		return nil, err
	}
	rows, err := m.elements("inputs", text)
	if err != nil {
		return nil, err
	}
	return m.images("inputs", rows)
}

// elements divides an array of images.
func (m *Model) elements(field string, text json.RawMessage) ([]json.RawMessage, error) {
	if text[0] != '[' {
		return nil, faultf("%s: expected an array of 1 to %d images, found %s", field, m.MaxBatch, shortened(text))
	}
	rows, count := oip.Elements(text, m.MaxBatch)
	if count < 1 || count > m.MaxBatch {
		return nil, faultf("%s: expected 1 to %d images in a request, found %d", field, m.MaxBatch, count)
	}
	return rows, nil
}

// named returns the value of the input from an object that has it by its name; what is no
// such object is the value itself.
func (m *Model) named(field string, text json.RawMessage) (json.RawMessage, error) {
	if text[0] != '{' {
		return text, nil
	}
	object, err := members(field, text)
	if err != nil {
		return nil, err
	}
	if _, ok := object["b64"]; ok && len(object) == 1 {
		return text, nil
	}
	value, ok := object[m.Input]
	if !ok || len(object) != 1 {
		return nil, faultf("%s: the model %s has the input %q, found %q", field, m.Name, m.Input, slices.Sorted(maps.Keys(object)))
	}
	return value, nil
}

// members are those of an object that stands for an image or an input, which has one.
func members(field string, text json.RawMessage) (all map[string]json.RawMessage, err error) {
	const most = 16
	if _, count := oip.Elements(text, 0); count > most {
		return nil, faultf("%s: expected an object of one member, found %d", field, count)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, faultf("%s: %v", field, err)
	}
	return all, nil
}

func (m *Model) images(field string, rows []json.RawMessage) ([]Image, error) {
	images := make([]Image, len(rows))
	for i, row := range rows {
		at := fmt.Sprintf("%s[%d]", field, i)
		var err error
		switch row[0] {
		case '{':
			images[i].File, err = file(at, row)
		case '[':
			images[i].Values, err = m.values(at, row)
		default:
			err = faultf(`%s: expected {"b64": "..."} with the file of a picture in base64, or numbers of the shape %v, found %s`, at, m.Shape, shortened(row))
		}
		if err != nil {
			return nil, err
		}
		if (images[i].File == nil) != (images[0].File == nil) {
			return nil, faultf("%s: the images of a request must be all files or all numbers, found one of the other kind", at)
		}
	}
	return images, nil
}

// file reads {"b64": "..."}.
func file(field string, text json.RawMessage) ([]byte, error) {
	object, err := members(field, text)
	if err != nil {
		return nil, err
	}
	var encoded string
	if held, ok := object["b64"]; !ok || len(object) != 1 || json.Unmarshal(held, &encoded) != nil {
		return nil, faultf(`%s: expected {"b64": "..."} with the file of a picture in base64, found %s`, field, shortened(text))
	}
	data, err := decodeBase64(encoded)
	if err != nil {
		return nil, faultf("%s.b64: expected the file of a picture in base64: %v", field, err)
	}
	if len(data) == 0 {
		return nil, faultf("%s.b64: expected the file of a picture in base64, found nothing", field)
	}
	return data, nil
}

// decodeBase64 reads the standard alphabet, or the one for URLs, with padding or without: as
// protobuf's JSON does.
func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(text, "=")
	if strings.ContainsAny(text, "-_") {
		return base64.RawURLEncoding.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(text)
}

// values reads nested arrays of numbers of the image's shape. The text is JSON.
func (m *Model) values(field string, text json.RawMessage) ([]float32, error) {
	count := 1
	for _, n := range m.Shape {
		count *= n
	}
	if len(text) < 2*count { // a digit and a comma each
		return nil, faultf("%s: expected %d numbers of the shape %v, found fewer", field, count, m.Shape)
	}
	p := nested{text: text, values: make([]float32, 0, count)}
	if err := p.read(m.Shape); err != nil {
		return nil, faultf("%s: expected numbers of the shape %v: %v", field, m.Shape, err)
	}
	return p.values, nil
}

// nested reads arrays within arrays.
type nested struct {
	text   []byte
	at     int
	values []float32
}

// read reads a value of a shape: a number where that is empty.
func (p *nested) read(shape []int) error {
	p.skipSpace()
	if len(shape) == 0 {
		return p.number()
	}
	if p.text[p.at] != '[' {
		return fmt.Errorf("after %d numbers there is %s, expected an array of %d", len(p.values), shortened(p.text[p.at:]), shape[0])
	}
	p.at++
	for i := range shape[0] {
		if i > 0 {
			if p.skipSpace(); p.text[p.at] != ',' {
				return fmt.Errorf("after %d numbers an array ends at %d elements, expected %d", len(p.values), i, shape[0])
			}
			p.at++
		}
		if err := p.read(shape[1:]); err != nil {
			return err
		}
	}
	if p.skipSpace(); p.text[p.at] != ']' {
		return fmt.Errorf("after %d numbers an array goes on, expected %d elements", len(p.values), shape[0])
	}
	p.at++
	return nil
}

func (p *nested) number() error {
	rest := p.text[p.at:]
	end := bytes.IndexAny(rest, ",] \t\r\n")
	if end < 0 {
		end = len(rest)
	}
	v, err := strconv.ParseFloat(string(rest[:end]), 32)
	if err != nil {
		return fmt.Errorf("number %d is %s, expected one of 32 bits", len(p.values), shortened(rest[:end]))
	}
	p.values = append(p.values, float32(v))
	p.at += end
	return nil
}

func (p *nested) skipSpace() {
	for strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// shortened is what an error shows of a text.
func shortened(text []byte) string {
	const most = 40
	if len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "..."
}
