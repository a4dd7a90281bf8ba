package server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/oip"
	"github.com/seed-fb2c0fa6/inception/server/tfserving"
)

// tensorFlow describes the model as TensorFlow Serving does.
func (m *Model) tensorFlow() *tfserving.Model {
	size := m.batcher.Classifier().Preprocessing().Size
	d := &tfserving.Model{
		Name: m.Name(), Version: m.Version(), Input: inputName, Shape: []int{size, size, 3},
		Signatures: map[string]tfserving.Output{}, MaxBatch: m.protocol.MaxBatch,
	}
	for _, o := range m.protocol.Outputs {
		d.Signatures[o.Name] = tfserving.Output{Name: o.Name, Values: int(o.Shape[1])}
	}
	preferred := features
	if m.classes {
		preferred = probabilities
	}
	d.Signatures[tfserving.DefaultSignature] = d.Signatures[preferred]
	return d
}

// modelNames is GET v1/models of KServe.
func (s *Server) modelNames(w http.ResponseWriter, r *http.Request) error {
	names := s.models.Names()
	if names == nil {
		names = []string{}
	}
	writeJSON(w, http.StatusOK, map[string][]string{"models": names})
	return nil
}

// modelV1 returns the model of a path of TensorFlow Serving, as Find does.
func (s *Server) modelV1(name, version, label string) (m *Model, leave func(), err error) {
	m, leave, err = s.models.Find(name, version)
	if err == nil && label != "" {
		leave()
		return nil, nil, &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("the model %s has the version %s and no labels, found %q; use /versions/%s", name, m.Version(), label, m.Version())}
	}
	return m, leave, err
}

// modelStatus is GET v1/models/NAME of KServe, which has "ready", and of TensorFlow Serving,
// which has the status of versions.
func (s *Server) modelStatus(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelV1(r.PathValue("model"), r.PathValue("version"), r.PathValue("label"))
	if err != nil {
		return err
	}
	defer leave()
	ready := s.takes()
	state := tfserving.Available
	if !ready {
		state = tfserving.Unloading
	}
	writeJSON(w, statusOfReady(ready), struct {
		Name     string                    `json:"name"`
		Ready    bool                      `json:"ready"`
		Versions []tfserving.VersionStatus `json:"model_version_status"`
	}{m.Name(), ready, []tfserving.VersionStatus{tfserving.StatusOf(m.Version(), state)}})
	return nil
}

// modelSignatures is GET v1/models/NAME/metadata of TensorFlow Serving.
func (s *Server) modelSignatures(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelV1(r.PathValue("model"), r.PathValue("version"), r.PathValue("label"))
	if err != nil {
		return err
	}
	defer leave()
	writeJSON(w, http.StatusOK, m.tensorFlow().Metadata())
	return nil
}

// calledV1 returns the model that a path ending in ":predict" asks. A pattern of
// http.ServeMux holds the end of a path whole.
func (s *Server) calledV1(r *http.Request) (m *Model, leave func(), err error) {
	last, verb, _ := strings.Cut(r.PathValue("call"), ":")
	switch verb {
	case "predict":
	case "classify", "regress":
		return nil, nil, badRequest("%s is for models that take tf.Example; ask :predict, with pictures as {\"b64\": \"...\"}", verb)
	default:
		return nil, nil, &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is nothing at POST %s; expected /v1/models/NAME:predict", r.URL.Path)}
	}
	name := r.PathValue("model")
	switch {
	case name == "":
		return s.modelV1(last, "", "")
	case strings.Contains(r.Pattern, "/labels/"):
		return s.modelV1(name, "", last)
	}
	return s.modelV1(name, last, "")
}

// predictV1 is POST v1/models/NAME:predict of KServe and TensorFlow Serving.
func (s *Server) predictV1(w http.ResponseWriter, r *http.Request) error {
	return s.useWithBody(r, s.calledV1, func(m *Model, body []byte) error {
		request, err := m.tensorFlow().Parse(body)
		if err != nil {
			return err
		}
		inputs := make([]predict.Input, len(request.Images))
		for i, image := range request.Images {
			if inputs[i].Encoded = image.File; image.File == nil {
				inputs[i].Bytes = 4 * int64(len(image.Values))
				inputs[i].Write = func(dst []float32) error {
					copy(dst, image.Values)
					return nil
				}
			}
		}
		photos, err := m.batcher.Classify(r.Context(), inputs...)
		if err != nil {
			return err
		}
		field := "instances"
		if request.Columns {
			field = "inputs"
		}
		if err := firstFault(photos, func(i int) string { return fmt.Sprintf("%s[%d]", field, i) }); err != nil {
			return err
		}
		values := make([][]float32, len(photos))
		for i, p := range photos {
			values[i] = m.values(request.Output.Name, p.Result)
		}
		writeJSON(w, http.StatusOK, request.Answer(values))
		return nil
	})
}
