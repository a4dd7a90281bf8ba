package server

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// defaultTop is how many classes a picture gets where none are asked for.
const defaultTop = 5

// classify answers pictures, one as the body or several in a form, with what
// `inception predict --json` prints of them.
func (s *Server) classify(w http.ResponseWriter, r *http.Request) error {
	top, err := parseTop(r.URL.Query().Get("top"))
	if err != nil {
		return err
	}
	return s.useWithBody(r, s.modelOf, func(m *Model, body []byte) error {
		if err := m.checkClasses(); err != nil {
			return err
		}
		f, err := parseForm(r.Header.Get("Content-Type"), body)
		if err != nil {
			return err
		}
		if len(f.files) == 0 {
			return badRequest("the form has no pictures; with curl: -F picture=@photo.jpg")
		}
		inputs := make([]predict.Input, len(f.files))
		for i, file := range f.files {
			inputs[i].Encoded = file.data
		}
		photos, err := m.batcher.Classify(r.Context(), inputs...)
		if err != nil {
			return err
		}
		records := make([]predict.Record, len(photos))
		faulty := 0
		for i, p := range photos {
			if p.Err != nil {
				fault := pictureFault("picture", p.Err)
				if _, internal := statusOf(fault); internal {
					return fault
				}
				faulty++
			}
			p.Name = f.files[i].name
			records[i] = p.Record(top)
		}
		if faulty == len(photos) {
			writeJSON(w, http.StatusBadRequest, records)
			return badRequest("none of the pictures can be decoded") // for the metrics, as this has been answered
		}
		writeJSON(w, http.StatusOK, records)
		return nil
	})
}

// A form is what the body of a request holds: a picture, or a form's fields and files.
type form struct {
	fields map[string]string
	files  []formFile
}

type formFile struct {
	name string
	data []byte
}

// maxField is how long the value of a form's field may be.
const maxField = 1000

// parseForm reads a body: a form, or else a picture.
func parseForm(contentType string, body []byte) (*form, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		if len(body) == 0 {
			return nil, badRequest("the body is empty, expected a picture; with curl: --data-binary @photo.jpg")
		}
		return &form{files: []formFile{{"-", body}}}, nil
	}
	f := &form{fields: map[string]string{}}
	parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, badRequest("the form is damaged: %v", err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, badRequest("the form's part %q is damaged: %v", part.FormName(), err)
		}
		switch name := part.FileName(); {
		case name == "" && part.FormName() != "" && len(data) <= maxField:
			f.fields[part.FormName()] = string(data)
		case name != "" && len(f.files) == maxImages:
			return nil, badRequest("the form has more than %d pictures", maxImages)
		case name != "":
			f.files = append(f.files, formFile{name, data})
		}
	}
}

// parseTop reads how many classes are asked for.
func parseTop(text string) (int, error) {
	if text == "" {
		return defaultTop, nil
	}
	top, err := strconv.Atoi(text)
	if err != nil || top < 1 {
		return 0, badRequest("top: expected a whole number of at least 1, found %q", text)
	}
	return top, nil
}

// checkClasses refuses a model that has none.
func (m *Model) checkClasses() error {
	if !m.classes {
		return badRequest("the model %s has features and no classes; ask for them at /v2/models/%s/infer", m.Name(), m.Name())
	}
	return nil
}
