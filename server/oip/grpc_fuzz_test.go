package oip

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// FuzzGRPC reads any bytes as a request over gRPC. What is taken holds no more than it brought.
func FuzzGRPC(f *testing.F) {
	m := &Model{
		Name: "m", Version: "1", MaxBatch: 4, Input: TensorMetadata{Name: "images", Datatype: FP32, Shape: []int64{Any, 2, 2, 3}},
		Outputs: []TensorMetadata{{Name: "logits", Datatype: FP32, Shape: []int64{Any, 5}}},
	}
	tensor := &inference.ModelInferRequest_InferInputTensor{Name: "images", Datatype: FP32, Shape: []int64{1, 2, 2, 3}}
	files := &inference.ModelInferRequest_InferInputTensor{Name: "images", Datatype: Bytes, Shape: []int64{2}}
	for _, in := range []*inference.ModelInferRequest{
		{ModelName: "m", Id: "1", Inputs: []*inference.ModelInferRequest_InferInputTensor{tensor}, RawInputContents: [][]byte{make([]byte, 48)}},
		{Inputs: []*inference.ModelInferRequest_InferInputTensor{files}, RawInputContents: [][]byte{elements("one", "two")}},
		{Inputs: []*inference.ModelInferRequest_InferInputTensor{{Name: "images", Datatype: Bytes, Shape: []int64{1, 1}, Contents: &inference.InferTensorContents{BytesContents: [][]byte{[]byte("one")}}}}},
		{Parameters: map[string]*inference.InferParameter{"timeout": {ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: 5}}}, Outputs: []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "logits"}}},
	} {
		data, err := proto.Marshal(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in inference.ModelInferRequest
		if proto.Unmarshal(data, &in) != nil {
			return
		}
		r, err := m.ParseGRPC(&in)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error says nothing")
			}
			return
		}
		if r.Input.Batch < 1 || r.Input.Batch > m.MaxBatch {
			t.Fatalf("a batch of %d", r.Input.Batch)
		}
		dst, held := make([]float32, 12), 0
		for i := range r.Input.Batch {
			if r.Input.Datatype == Bytes {
				held += len(r.Input.File(i))
			} else if err := r.Input.Write(dst, i); err != nil {
				t.Fatal(err)
			} else {
				held += 4 * len(dst)
			}
		}
		if held > len(data) {
			t.Errorf("%d bytes of a message of %d", held, len(data))
		}
	})
}
