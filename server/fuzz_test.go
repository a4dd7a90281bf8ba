package server_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/inference"
	"github.com/seed-fb2c0fa6/inception/server/oip"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// The limits of what is fuzzed.
const fuzzedBody, fuzzedDecode = 1 << 20, 8 << 20

// fuzzed is a server of a small network m and small limits.
func fuzzed(f *testing.F) *server.Server {
	r := server.NewRepository(server.Fixed(server.Definition{Name: "m", Open: func(context.Context) (*predict.Batcher, error) {
		return predict.NewBatcher(tiny(f), predict.BatcherOptions{DecodeBytes: fuzzedDecode, Decode: vision.DecodeOptions{MaxBytes: fuzzedDecode}})
	}}), server.RepositoryOptions{})
	if err := r.Refresh(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = r.Close(context.Background()) })
	s, err := server.New(r, server.Options{MaxBody: fuzzedBody})
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// FuzzHTTP sends requests of any kind, and expects no fault of the server.
func FuzzHTTP(f *testing.F) {
	s := fuzzed(f)
	file := picture(f, 80, 80)
	f.Add("POST", "/classify?top=2", "image/png", "", "", file)
	f.Add("POST", "/classify", "multipart/form-data; boundary=b", "", "", []byte("--b\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\nx\r\n--b--\r\n"))
	f.Add("POST", "/v2/models/m/infer", "", "0", "", file)
	f.Add("POST", "/v2/models/m/infer", "", "", "", []byte(`{"id":"1","parameters":{"timeout":1000,"priority":1},"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["eA=="]}],"outputs":[{"name":"logits","parameters":{"classification":2}}]}`))
	f.Add("POST", "/v2/models/m/versions/1/infer", "", "112", "", append([]byte(`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}                 `), 1, 0, 0, 0, 'x'))
	f.Add("POST", "/v1/models/m:predict", "application/json", "", "gzip", []byte(`{"instances":[{"b64":"eA=="}]}`))
	f.Add("POST", "/v1/models/m/versions/1:predict", "", "", "deflate", []byte(`{"inputs":{"images":[{"b64":"eA=="}]}}`))
	f.Add("GET", "/v2/models/m/config", "", "", "", []byte(nil))
	f.Add("POST", "/v2/repository/index", "", "", "", []byte(`{"ready":true}`))
	f.Fuzz(func(t *testing.T, method, path, contentType, headerLength, encoding string, body []byte) {
		request, err := http.NewRequest(method, "http://localhost/", bytes.NewReader(body))
		if err != nil {
			return
		}
		target, err := request.URL.Parse(path)
		if err != nil || target.Path == "" {
			return
		}
		request.URL = target
		for name, value := range map[string]string{"Content-Type": contentType, oip.HeaderLength: headerLength, "Content-Encoding": encoding} {
			if value != "" {
				request.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, request)
		if w.Code == http.StatusInternalServerError || w.Code < 200 {
			t.Errorf("%s %s: %d: %s", method, path, w.Code, w.Body)
		}
	})
}

// FuzzInfer sends any bytes as a message of ModelInfer, from the connection down to the
// network. It expects no fault of the server, nothing left behind, and memory within limits.
func FuzzInfer(f *testing.F) {
	s := fuzzed(f)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeGRPC(ctx, listener, server.Stopping{}) }()
	connection, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		connection.Close()
		stop()
		if err := <-ended; err != nil {
			f.Error(err)
		}
	})
	file := picture(f, 80, 80)
	tensor := &inference.ModelInferRequest_InferInputTensor{Name: "images", Datatype: "FP32", Shape: []int64{1, side, side, 3}}
	typed := files(1)
	typed.Contents = &inference.InferTensorContents{BytesContents: [][]byte{file}}
	timed := request("m", files(1), element(file))
	timed.Parameters = map[string]*inference.InferParameter{"timeout": {ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: 1_000_000}}, "priority": {ParameterChoice: &inference.InferParameter_Uint64Param{Uint64Param: 2}}}
	for _, in := range []*inference.ModelInferRequest{
		request("m", files(1), element(file)), request("m", files(2), append(element(file), element([]byte("no picture"))...)),
		request("m", tensor, make([]byte, 4*side*side*3)), request("m", typed), timed, request("x", files(1)),
	} {
		data, err := proto.Marshal(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := connection.Invoke(context.Background(), inference.GRPCInferenceService_ModelInfer_FullMethodName, noMessage(message), &inference.ModelInferResponse{}, grpc.ForceCodec(rawCodec{}))
		runtime.ReadMemStats(&after)
		switch code := status.Code(err); code {
		case codes.OK, codes.InvalidArgument, codes.NotFound, codes.Unimplemented, codes.ResourceExhausted, codes.DeadlineExceeded:
		default:
			t.Errorf("%v: %v", code, err)
		}
		// All that it has taken, of which most is garbage: the message on its way, decoded, and
		// as pictures, and of the network what it computes with.
		if took := after.TotalAlloc - before.TotalAlloc; took > 4*fuzzedDecode+16*fuzzedBody {
			t.Errorf("%d bytes took %d of memory", len(message), took)
		}
		until(t, "nothing waits after the answer", func() bool { return pending(t, s) == 0 })
	})
}
