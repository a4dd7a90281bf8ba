package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// A Model is a classifier under a name.
type Model struct {
	batcher  *predict.Batcher
	protocol *oip.Model
	classes  bool // the outputs are logits

	fingerprint string // of its classes

	users   int   // requests that have found it and not released it, by the Repository's lock
	retired *slot // where it served; nil while it does
}

// The names of tensors.
const (
	inputName     = "images"
	logits        = "logits"
	probabilities = "probabilities"
	features      = "features"
)

var (
	goodName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	goodVersion = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
)

// CheckName refuses what cannot be the name of a model.
func CheckName(name string) error {
	if !goodName.MatchString(name) {
		return fmt.Errorf("the name of a model must be of letters, digits, '.', '_' and '-', and begin with a letter or digit, found %q", name)
	}
	return nil
}

func checkVersion(version string) error {
	if !goodVersion.MatchString(version) {
		return fmt.Errorf("the version of a model must be a whole number without leading zeros, found %q", version)
	}
	return nil
}

// maxImages is how many images a request may have.
const maxImages = 64

// NewModel returns a Model. Names are of letters, digits, '.', '_' and '-', and versions
// whole numbers.
func NewModel(name, version string, b *predict.Batcher) (*Model, error) {
	if err := errors.Join(CheckName(name), checkVersion(version)); err != nil {
		return nil, err
	}
	network := b.Classifier().Network()
	size := int64(b.Classifier().Preprocessing().Size)
	m := &Model{batcher: b, classes: network.Options().HasClasses()}
	m.protocol = &oip.Model{
		Name: name, Version: version, Platform: "inception", MaxBatch: maxImages,
		Input: oip.TensorMetadata{Name: inputName, Datatype: oip.FP32, Shape: []int64{oip.Any, size, size, 3}},
	}
	output := func(name string, values int64) {
		m.protocol.Outputs = append(m.protocol.Outputs, oip.TensorMetadata{Name: name, Datatype: oip.FP32, Shape: []int64{oip.Any, values}})
	}
	if m.classes {
		output(probabilities, int64(network.Options().Classes))
		m.protocol.Described = 1
		output(logits, int64(network.Options().Classes))
		if n := b.Features(); n > 0 {
			output(features, int64(n))
		}
	} else {
		output(features, oip.Any)
	}
	m.fingerprint = m.classParameters()["fingerprint"]
	return m, nil
}

// Name returns the model's name.
func (m *Model) Name() string { return m.protocol.Name }

// Classifier returns what answers.
func (m *Model) Classifier() *predict.Classifier { return m.batcher.Classifier() }

// Version returns the model's version, a whole number.
func (m *Model) Version() string { return m.protocol.Version }

// infer answers a request, whichever way it came.
func (m *Model) infer(ctx context.Context, r *oip.Request) (*oip.Response, error) {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, &oip.Error{Status: http.StatusGatewayTimeout, Message: fmt.Sprintf("parameters.timeout: the images were not classified within %v", r.Timeout)})
		defer cancel()
	}
	inputs := make([]predict.Input, r.Input.Batch)
	for i := range inputs {
		inputs[i].Priority = r.Priority
		if r.Input.Datatype == oip.Bytes {
			inputs[i].Encoded = r.Input.File(i)
		} else {
			inputs[i].Bytes = r.Input.Held()
			inputs[i].Write = func(dst []float32) error { return r.Input.Write(dst, i) }
		}
	}
	photos, err := m.batcher.Classify(ctx, inputs...)
	if err != nil {
		return nil, err
	}
	if err := firstFault(photos, func(i int) string { return fmt.Sprintf("inputs[0]: image %d of %d", i, len(photos)) }); err != nil {
		return nil, err
	}
	outputs, err := m.outputs(r, photos)
	response := &oip.Response{ModelName: m.Name(), ModelVersion: m.Version(), ID: r.ID, Outputs: outputs, Fingerprint: m.fingerprint}
	if r.Input.Datatype == oip.Bytes {
		for _, p := range photos {
			response.Sizes = append(response.Sizes, [2]int{p.Width, p.Height})
		}
	}
	return response, err
}

// outputs makes the outputs that a request asks for.
func (m *Model) outputs(r *oip.Request, photos []predict.Photo) ([]oip.Output, error) {
	var all []oip.Output
	for _, asked := range r.Outputs {
		name := m.protocol.Outputs[asked.Index].Name
		if asked.Classification > 0 && (!m.classes || name == features) {
			return nil, badRequest("outputs: %s of the model %s are no classes; leave out the parameter classification", name, m.Name())
		}
		o := oip.Output{Name: name, Datatype: oip.FP32, Binary: asked.Binary}
		for _, p := range photos {
			values := m.values(name, p.Result)
			if asked.Classification == 0 {
				o.Values = append(o.Values, values...)
				continue
			}
			top := score.Top(p.Result.Logits, asked.Classification)
			for _, index := range top {
				label := ""
				if labels := m.batcher.Classifier().Labels(); labels != nil {
					label = labels[index].Name
				}
				o.Texts = append(o.Texts, oip.Class(values[index], index, label))
			}
		}
		o.Shape = []int64{int64(len(photos)), int64(max(len(o.Values), len(o.Texts)) / len(photos))}
		if asked.Classification > 0 {
			o.Datatype = oip.Bytes
		}
		all = append(all, o)
	}
	return all, nil
}

// values are an image's of an output.
func (m *Model) values(output string, r predict.Result) []float32 {
	switch {
	case output == probabilities:
		return narrowed(r.Probabilities())
	case output == features && m.classes:
		return r.Features
	}
	return r.Logits // of a network without classes these are the features
}

func narrowed(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}
