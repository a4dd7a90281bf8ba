package tfserving

import (
	"strconv"
)

// Answer is the body of an answer to a request: an array of values for each image.
func (r *Request) Answer(values [][]float32) map[string][][]float32 {
	if r.Columns {
		return map[string][][]float32{"outputs": values}
	}
	return map[string][][]float32{"predictions": values}
}

// A State is that of a version of a model.
type State string

// The states of a version that is loaded.
const (
	Available State = "AVAILABLE"
	Unloading State = "UNLOADING"
)

// A VersionStatus is the status of one version.
type VersionStatus struct {
	Version string `json:"version"`
	State   State  `json:"state"`
	Status  Status `json:"status"`
}

// A Status is gRPC's, by the name of its code.
type Status struct {
	Code    string `json:"error_code"`
	Message string `json:"error_message"`
}

// StatusOf returns the status of a version that is loaded.
func StatusOf(version string, state State) VersionStatus {
	return VersionStatus{Version: version, State: state, Status: Status{Code: "OK"}}
}

// Metadata is the body of GET v1/models/NAME/metadata.
type Metadata struct {
	Spec     ModelSpec `json:"model_spec"`
	Metadata struct {
		Signatures struct {
			Definitions map[string]Signature `json:"signature_def"`
		} `json:"signature_def"`
	} `json:"metadata"`
}

// A ModelSpec names a version of a model.
type ModelSpec struct {
	Name      string `json:"name"`
	Signature string `json:"signature_name"`
	Version   string `json:"version"`
}

// A Signature describes what a signature takes and answers, as TensorFlow's SignatureDef.
type Signature struct {
	Inputs  map[string]TensorInfo `json:"inputs"`
	Outputs map[string]TensorInfo `json:"outputs"`
	Method  string                `json:"method_name"`
}

// A TensorInfo is TensorFlow's.
type TensorInfo struct {
	DType string      `json:"dtype"`
	Shape TensorShape `json:"tensor_shape"`
	Name  string      `json:"name"`
}

// A TensorShape is TensorFlow's.
type TensorShape struct {
	Dimensions  []Dimension `json:"dim"`
	UnknownRank bool        `json:"unknown_rank"`
}

// A Dimension is TensorFlow's, of which -1 is any size. 64-bit numbers are strings in
// protobuf's JSON.
type Dimension struct {
	Size string `json:"size"`
	Name string `json:"name"`
}

// Metadata describes the model.
func (m *Model) Metadata() Metadata {
	info := func(name string, shape ...int) TensorInfo {
		t := TensorInfo{DType: "DT_FLOAT", Name: name + ":0", Shape: TensorShape{Dimensions: []Dimension{{Size: "-1"}}}}
		for _, n := range shape {
			t.Shape.Dimensions = append(t.Shape.Dimensions, Dimension{Size: strconv.Itoa(n)})
		}
		return t
	}
	d := Metadata{Spec: ModelSpec{Name: m.Name, Version: m.Version}}
	d.Metadata.Signatures.Definitions = map[string]Signature{}
	for name, output := range m.Signatures {
		d.Metadata.Signatures.Definitions[name] = Signature{
			Inputs:  map[string]TensorInfo{m.Input: info(m.Input, m.Shape...)},
			Outputs: map[string]TensorInfo{output.Name: info(output.Name, output.Values)},
			Method:  "tensorflow/serving/predict",
		}
	}
	return d
}
