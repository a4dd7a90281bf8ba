package oip

import "slices"

// The datatypes of tensors.
const (
	FP32  = "FP32"
	Bytes = "BYTES"
)

// Any is a dimension of any length in a shape of metadata.
const Any = -1

// A Model is what requests are checked against.
type Model struct {
	Name    string
	Version string
	// Platform names what computes, such as "inception".
	Platform string
	// Input is the only input: FP32, its first dimension the batch. It takes BYTES of shape
	// [batch] or [batch, 1], too, each of which is the file of a picture.
	Input TensorMetadata
	// Outputs are FP32, their first dimension the batch.
	Outputs []TensorMetadata
	// Described is how many of Outputs, from the first, metadata tells and a request gets that
	// names none; all when zero. The others are there for who names them: clients such as
	// Triton's image_client take models of one output alone.
	Described int
	// MaxBatch is how many images a request may have.
	MaxBatch int
}

// TensorMetadata describes an input or output.
type TensorMetadata struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// ModelMetadata is the body of GET v2/models/NAME.
type ModelMetadata struct {
	Name     string           `json:"name"`
	Versions []string         `json:"versions"`
	Platform string           `json:"platform"`
	Inputs   []TensorMetadata `json:"inputs"`
	Outputs  []TensorMetadata `json:"outputs"`
}

// DescribedOutputs are those that metadata tells.
func (m *Model) DescribedOutputs() []TensorMetadata {
	if m.Described == 0 {
		return m.Outputs
	}
	return m.Outputs[:m.Described]
}

// Metadata describes the model.
func (m *Model) Metadata() ModelMetadata {
	return ModelMetadata{Name: m.Name, Versions: []string{m.Version}, Platform: m.Platform, Inputs: []TensorMetadata{m.Input}, Outputs: m.DescribedOutputs()}
}

// ServerMetadata is the body of GET v2.
type ServerMetadata struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

// Extensions are those of the protocol that this package and the server have.
func Extensions() []string {
	return []string{"classification", "model_configuration", "model_repository", "schedule_policy", "statistics", "binary_tensor_data", "parameters"}
}

// Live and Ready are the bodies of GET v2/health/live and v2/health/ready, ModelReady that
// of GET v2/models/NAME/ready.
type (
	Live struct {
		Live bool `json:"live"`
	}
	Ready struct {
		Ready bool `json:"ready"`
	}
	ModelReady struct {
		Name  string `json:"name"`
		Ready bool   `json:"ready"`
	}
)

// output returns the place of an output among the model's, or -1.
func (m *Model) output(name string) int {
	return slices.IndexFunc(m.Outputs, func(o TensorMetadata) bool { return o.Name == name })
}

func (m *Model) outputNames() []string {
	names := make([]string, len(m.Outputs))
	for i, o := range m.Outputs {
		names[i] = o.Name
	}
	return names
}
