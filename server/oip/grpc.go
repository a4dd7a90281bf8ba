package oip

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// ParseGRPC reads an inference request that came over gRPC. The Request keeps its bytes.
// Outputs are bytes unless the parameters binary_data_output, or binary_data of an output,
// say false.
func (m *Model) ParseGRPC(in *inference.ModelInferRequest) (*Request, error) {
	asked := requestJSON{ID: in.Id, Parameters: parametersOf(in.Parameters)}
	if _, ok := asked.Parameters["binary_data_output"]; !ok {
		asked.Parameters["binary_data_output"] = true
	}
	if len(in.Inputs) > 1 {
		in.Inputs = in.Inputs[:2] // there is but one: the second is refused
	}
	for _, input := range in.Inputs {
		asked.Inputs = append(asked.Inputs, inputJSON{Name: input.GetName(), Shape: input.GetShape(), Datatype: input.GetDatatype(), Parameters: parametersOf(input.GetParameters())})
	}
	if len(in.Outputs) > len(m.Outputs) {
		return nil, faultf("outputs: the model %s has %d outputs, found %d", m.Name, len(m.Outputs), len(in.Outputs))
	}
	for _, output := range in.Outputs {
		asked.Outputs = append(asked.Outputs, outputAskedFor{Name: output.GetName(), Parameters: parametersOf(output.GetParameters())})
	}
	r, err := m.parse(asked)
	if err != nil {
		return nil, err
	}
	return r, r.Input.readContents(in.Inputs[0], in.RawInputContents)
}

// readContents takes the elements of the only input from raw bytes or from typed contents.
func (t *Tensor) readContents(in *inference.ModelInferRequest_InferInputTensor, raw [][]byte) error {
	contents := in.GetContents()
	typed := typedContents(contents)
	switch {
	case len(raw) > 1:
		return faultf("raw_input_contents: expected one for the one input, found %d", len(raw))
	case len(raw) == 1 && len(typed) > 0:
		return faultf("raw_input_contents: inputs[0].contents.%s is there, too; give one of them", typed[0])
	case len(raw) == 1:
		return t.readBytes("raw_input_contents[0]", in.GetShape(), raw[0])
	}
	field, found := "fp32_contents", len(contents.GetFp32Contents())
	want := t.Batch * t.image
	if t.Datatype == Bytes {
		field, found, want = "bytes_contents", len(contents.GetBytesContents()), t.Batch
	}
	for _, other := range typed {
		if other != field {
			return faultf("inputs[0].contents: expected %s for the datatype %s, found %s", field, t.Datatype, other)
		}
	}
	if found != want {
		return faultf("inputs[0].contents.%s: expected %d elements, as the shape says, or raw_input_contents, found %d", field, want, found)
	}
	t.values, t.files = contents.GetFp32Contents(), contents.GetBytesContents()
	return nil
}

// typedContents names the fields that have elements.
func typedContents(c *inference.InferTensorContents) (names []string) {
	for _, f := range []struct {
		name     string
		elements int
	}{
		{"bool_contents", len(c.GetBoolContents())}, {"int_contents", len(c.GetIntContents())}, {"int64_contents", len(c.GetInt64Contents())},
		{"uint_contents", len(c.GetUintContents())}, {"uint64_contents", len(c.GetUint64Contents())}, {"fp32_contents", len(c.GetFp32Contents())},
		{"fp64_contents", len(c.GetFp64Contents())}, {"bytes_contents", len(c.GetBytesContents())},
	} {
		if f.elements > 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// parametersOf makes parameters what they are in JSON.
func parametersOf(in map[string]*inference.InferParameter) parameters {
	out := make(parameters, len(in))
	for name, value := range in {
		switch v := value.GetParameterChoice().(type) {
		case *inference.InferParameter_BoolParam:
			out[name] = v.BoolParam
		case *inference.InferParameter_Int64Param:
			out[name] = json.Number(strconv.FormatInt(v.Int64Param, 10))
		case *inference.InferParameter_Uint64Param:
			out[name] = json.Number(strconv.FormatUint(v.Uint64Param, 10))
		case *inference.InferParameter_DoubleParam:
			out[name] = json.Number(strconv.FormatFloat(v.DoubleParam, 'g', -1, 64))
		case *inference.InferParameter_StringParam:
			out[name] = v.StringParam
		default:
			out[name] = nil
		}
	}
	return out
}

// GRPC returns the response as it goes over gRPC: all outputs as bytes, where one is to be.
func (r *Response) GRPC() *inference.ModelInferResponse {
	out := &inference.ModelInferResponse{ModelName: r.ModelName, ModelVersion: r.ModelVersion, Id: r.ID}
	parameter := func(name, text string) {
		if out.Parameters == nil {
			out.Parameters = map[string]*inference.InferParameter{}
		}
		out.Parameters[name] = &inference.InferParameter{ParameterChoice: &inference.InferParameter_StringParam{StringParam: text}}
	}
	for i, size := range r.Sizes {
		parameter(fmt.Sprint("size_", i), fmt.Sprintf("%dx%d", size[0], size[1]))
	}
	if r.Fingerprint != "" {
		parameter("fingerprint", r.Fingerprint)
	}
	binary := false
	for _, o := range r.Outputs {
		binary = binary || o.Binary
	}
	for _, o := range r.Outputs {
		tensor := &inference.ModelInferResponse_InferOutputTensor{Name: o.Name, Datatype: o.Datatype, Shape: o.Shape}
		if binary {
			out.RawOutputContents = append(out.RawOutputContents, o.appendBytes(make([]byte, 0, o.size())))
		} else {
			tensor.Contents = &inference.InferTensorContents{Fp32Contents: o.Values}
			for _, text := range o.Texts {
				tensor.Contents.BytesContents = append(tensor.Contents.BytesContents, []byte(text))
			}
		}
		out.Outputs = append(out.Outputs, tensor)
	}
	return out
}

// GRPC returns the model's metadata as it goes over gRPC.
func (m ModelMetadata) GRPC() *inference.ModelMetadataResponse {
	tensors := func(all []TensorMetadata) (out []*inference.ModelMetadataResponse_TensorMetadata) {
		for _, t := range all {
			out = append(out, &inference.ModelMetadataResponse_TensorMetadata{Name: t.Name, Datatype: t.Datatype, Shape: t.Shape})
		}
		return out
	}
	return &inference.ModelMetadataResponse{Name: m.Name, Versions: m.Versions, Platform: m.Platform, Inputs: tensors(m.Inputs), Outputs: tensors(m.Outputs)}
}
