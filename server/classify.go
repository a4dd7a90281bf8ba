package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// defaultTop is how many classes a picture gets where none are asked for.
const defaultTop = 5

func badRequest(format string, args ...any) error {
	return &oip.Error{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// pictureFault makes an error of what is wrong with an image: the client's fault, unless it
// is the program's or the network's.
func pictureFault(where string, err error) error {
	var panicked *predict.PanicError
	if errors.As(err, &panicked) || errors.Is(err, score.ErrNotFinite) {
		return fmt.Errorf("%s: %w", where, err)
	}
	return badRequest("%s: %v", where, err)
}

// classify answers pictures, one as the body or several in a form, with what
// `inception predict --json` prints of them.
func (s *Server) classify(w http.ResponseWriter, r *http.Request) (err error) {
	m, err := s.modelOf(r)
	if err != nil {
		return err
	}
	began := time.Now()
	defer func() { s.metrics.observe(m.Name(), m.protocol.Version, time.Since(began), err) }()
	top := defaultTop
	if text := r.URL.Query().Get("top"); text != "" {
		if top, err = strconv.Atoi(text); err != nil || top < 1 {
			return badRequest("top: expected a whole number of at least 1, found %q", text)
		}
	}
	if !m.classes {
		return badRequest("the model %s has features and no classes; ask for them at /v2/models/%s/infer", m.Name(), m.Name())
	}
	body, release, err := s.body(r)
	if err != nil {
		return err
	}
	defer release()
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

// modelNames is GET v1/models of KServe.
func (s *Server) modelNames(w http.ResponseWriter, r *http.Request) error {
	names := make([]string, len(s.models))
	for i, m := range s.models {
		names[i] = m.Name()
	}
	writeJSON(w, http.StatusOK, map[string][]string{"models": names})
	return nil
}

// modelStatus is GET v1/models/NAME of KServe.
func (s *Server) modelStatus(w http.ResponseWriter, r *http.Request) error {
	m, err := s.modelOf(r)
	if err != nil {
		return err
	}
	ready, status := s.readiness()
	writeJSON(w, status, map[string]any{"name": m.Name(), "ready": ready})
	return nil
}

// instance is a picture as TensorFlow Serving's JSON has bytes, alone or as an input by name.
type instance struct {
	Base64 []byte    `json:"b64"`
	Images *instance `json:"images"`
}

// predictV1 is POST v1/models/NAME:predict of KServe and TensorFlow Serving: instances are
// pictures in base64, and predictions the probabilities of all classes.
func (s *Server) predictV1(w http.ResponseWriter, r *http.Request) (err error) {
	name, ok := strings.CutSuffix(r.PathValue("call"), ":predict")
	if !ok {
		return &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is nothing at POST %s; expected /v1/models/NAME:predict", r.URL.Path)}
	}
	m, err := s.model(name, "")
	if err != nil {
		return err
	}
	began := time.Now()
	defer func() { s.metrics.observe(m.Name(), m.protocol.Version, time.Since(began), err) }()
	body, release, err := s.body(r)
	if err != nil {
		return err
	}
	defer release()
	if err := oip.CheckDepth(body); err != nil {
		return err
	}
	var in struct {
		Instances []instance `json:"instances"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return badRequest(`the body: expected {"instances": [{"b64": "..."}, ...]} with pictures in base64: %v`, err)
	}
	if len(in.Instances) < 1 || len(in.Instances) > maxImages {
		return badRequest("instances: expected 1 to %d pictures, found %d", maxImages, len(in.Instances))
	}
	inputs := make([]predict.Input, len(in.Instances))
	for i, picture := range in.Instances {
		if picture.Images != nil {
			picture = *picture.Images
		}
		if len(picture.Base64) == 0 {
			return badRequest(`instances[%d]: expected {"b64": "..."} with a picture in base64, found none`, i)
		}
		inputs[i].Encoded = picture.Base64
	}
	photos, err := m.batcher.Classify(r.Context(), inputs...)
	if err != nil {
		return err
	}
	predictions := make([][]float32, len(photos))
	for i, p := range photos {
		if p.Err != nil {
			return pictureFault(fmt.Sprintf("instances[%d]", i), p.Err)
		}
		if predictions[i] = p.Result.Logits; m.classes {
			predictions[i] = narrowed(p.Result.Probabilities())
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"predictions": predictions})
	return nil
}
