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
func (s *Server) classify(w http.ResponseWriter, r *http.Request) (err error) {
	top := defaultTop
	if text := r.URL.Query().Get("top"); text != "" {
		if top, err = strconv.Atoi(text); err != nil || top < 1 {
			return badRequest("top: expected a whole number of at least 1, found %q", text)
		}
	}
	return s.useWithBody(r, s.modelOf, func(m *Model, body []byte) error {
		if !m.classes {
			return badRequest("the model %s has features and no classes; ask for them at /v2/models/%s/infer", m.Name(), m.Name())
		}
		names, files, err := pictures(r.Header.Get("Content-Type"), body)
		if err != nil {
			return err
		}
		inputs := make([]predict.Input, len(files))
		for i, file := range files {
			inputs[i].Encoded = file
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
			p.Name = names[i]
			records[i] = p.Record(top)
		}
		status := http.StatusOK
		if faulty == len(photos) {
			status = http.StatusBadRequest
		}
		writeJSON(w, status, records)
		return nil
	})
}

// pictures returns the files in a body: itself, or those of a form, with their names.
func pictures(contentType string, body []byte) (names []string, files [][]byte, err error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		if len(body) == 0 {
			return nil, nil, badRequest("the body is empty, expected a picture; with curl: --data-binary @photo.jpg")
		}
		return []string{"-"}, [][]byte{body}, nil
	}
	form := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, badRequest("the form is damaged: %v", err)
		}
		if part.FileName() == "" {
			continue
		}
		if len(files) == maxImages {
			return nil, nil, badRequest("the form has more than %d pictures", maxImages)
		}
		file, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, badRequest("the form's file %q is damaged: %v", part.FileName(), err)
		}
		names, files = append(names, part.FileName()), append(files, file)
	}
	if len(files) == 0 {
		return nil, nil, badRequest("the form has no pictures; with curl: -F picture=@photo.jpg")
	}
	return names, files, nil
}
