package server

import (
	"runtime"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// FuzzMessage decodes any bytes as a message, which takes no more memory than it may.
func FuzzMessage(f *testing.F) {
	tensor := &inference.ModelInferRequest_InferInputTensor{Name: "images", Datatype: "FP32", Shape: []int64{1, 2, 2, 3}}
	for _, in := range []*inference.ModelInferRequest{
		{ModelName: "m", Inputs: []*inference.ModelInferRequest_InferInputTensor{tensor}, RawInputContents: [][]byte{make([]byte, 48)}},
		{Inputs: []*inference.ModelInferRequest_InferInputTensor{{}, {}, {}}, Parameters: map[string]*inference.InferParameter{"a": {}, "b": {}}},
		{Inputs: []*inference.ModelInferRequest_InferInputTensor{{Contents: &inference.InferTensorContents{IntContents: []int32{1, 2, 3}, Fp64Contents: []float64{1}, BytesContents: [][]byte{nil, nil}}}}},
	} {
		data, err := proto.Marshal(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	const most = 1 << 10
	codec := boundedCodec{most: most}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		in := &inference.ModelInferRequest{}
		_ = codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, in)
		runtime.ReadMemStats(&after)
		// Lists grow by doubling, and maps keep room.
		if took := after.TotalAlloc - before.TotalAlloc; took > 4*(most+beyond)+uint64(4*len(data)) {
			t.Errorf("%d bytes took %d of memory", len(data), took)
		}
	})
}

// TestManyParts expects a message of many small parts to be refused, and one large part not.
func TestManyParts(t *testing.T) {
	codec := boundedCodec{most: 8 << 20}
	parts := &inference.ModelInferRequest{}
	for range 1 << 20 {
		parts.Inputs = append(parts.Inputs, &inference.ModelInferRequest_InferInputTensor{})
	}
	for _, c := range []struct {
		message *inference.ModelInferRequest
		taken   bool
	}{
		{&inference.ModelInferRequest{RawInputContents: [][]byte{make([]byte, 8<<20)}}, true},
		{parts, false},
	} {
		data, err := proto.Marshal(c.message)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, &inference.ModelInferRequest{}); (err == nil) != c.taken {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
}
