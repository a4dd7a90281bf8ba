package server_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/inference"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// overGRPC serves until the test ends, or stop is called, which returns how it ended.
func overGRPC(t *testing.T, s *server.Server, stopping server.Stopping) (connection *grpc.ClientConn, stop func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeGRPC(ctx, listener, stopping) }()
	connection, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		connection.Close()
		if !stopped {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return connection, stop
}

func request(name string, input *inference.ModelInferRequest_InferInputTensor, raw ...[]byte) *inference.ModelInferRequest {
	return &inference.ModelInferRequest{ModelName: name, Inputs: []*inference.ModelInferRequest_InferInputTensor{input}, RawInputContents: raw,
		Outputs: []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "logits"}, {Name: "probabilities"}}}
}

// element is a file as BYTES has it.
func element(file []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(file))), file...)
}

func floats(raw []byte) []float32 {
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}

func files(n int64) *inference.ModelInferRequest_InferInputTensor {
	return &inference.ModelInferRequest_InferInputTensor{Name: "images", Datatype: "BYTES", Shape: []int64{n}}
}

// TestGRPC asks for a picture in every way, and expects what Predict says.
func TestGRPC(t *testing.T) {
	ctx := context.Background()
	c := tiny(t)
	s := newServer(t, server.Options{Version: "1.2"}, model(t, "m", c, predict.BatcherOptions{Features: true}))
	connection, _ := overGRPC(t, s, server.Stopping{})
	client := inference.NewGRPCInferenceServiceClient(connection)
	file := picture(t, 90, 80)
	m, err := vision.Decode(file, vision.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	results, err := c.Predict(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	features, err := c.Features(ctx, predict.Pooled, m)
	if err != nil {
		t.Fatal(err)
	}
	want := results[0].Logits
	near := func(what string, got, want []float32) {
		t.Helper()
		if len(got) == 0 || !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-4 }) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	values := make([]float32, side*side*3)
	if err := c.Preprocessing().Apply(values, m); err != nil {
		t.Fatal(err)
	}
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	tensor := &inference.ModelInferRequest_InferInputTensor{Name: "images", Datatype: "FP32", Shape: []int64{1, side, side, 3}}
	typed := &inference.ModelInferRequest_InferInputTensor{Name: "images", Datatype: "FP32", Shape: []int64{1, side, side, 3}, Contents: &inference.InferTensorContents{Fp32Contents: values}}
	typedFiles := files(2)
	typedFiles.Contents = &inference.InferTensorContents{BytesContents: [][]byte{file, file}}
	for what, in := range map[string]*inference.ModelInferRequest{
		"raw tensor": request("m", tensor, raw), "typed tensor": request("m", typed), "raw file": request("m", files(1), element(file)), "typed files": request("m", typedFiles),
	} {
		in.Id, in.ModelVersion = what, "1"
		in.Outputs = append(in.Outputs, &inference.ModelInferRequest_InferRequestedOutputTensor{Name: "features"})
		out, err := client.ModelInfer(ctx, in, grpc.UseCompressor(gzip.Name))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		n := int(in.Inputs[0].Shape[0])
		if out.Id != what || out.ModelName != "m" || out.ModelVersion != "1" || len(out.Outputs) != 3 || len(out.RawOutputContents) != 3 || !slices.Equal(out.Outputs[0].Shape, []int64{int64(n), classes}) {
			t.Errorf("%s: %v", what, out)
			continue
		}
		near(what, floats(out.RawOutputContents[0])[(n-1)*classes:], want)
		if out.Outputs[2].Name != "features" {
			t.Errorf("the third output is %s", out.Outputs[2].Name)
		}
		near(what, floats(out.RawOutputContents[2])[(n-1)*len(features[0]):], features[0])
	}

	one := func(v int64) map[string]*inference.InferParameter {
		return map[string]*inference.InferParameter{"classification": {ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: v}}}
	}
	classified := request("m", files(1), element(file))
	classified.Outputs = []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "logits", Parameters: one(2)}}
	classified.Parameters = map[string]*inference.InferParameter{"binary_data_output": {ParameterChoice: &inference.InferParameter_BoolParam{}}}
	top := results[0].Top(2)
	out, err := client.ModelInfer(ctx, classified)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := roundedClasses(string(bytes.Join(out.Outputs[0].GetContents().GetBytesContents(), []byte(" ")))), roundedClasses(fmt.Sprintf("%f:%d:%s %f:%d:%s", top[0].Logit, top[0].Index, top[0].Label, top[1].Logit, top[1].Index, top[1].Label)); got != want {
		t.Errorf("classes %q, want %q", got, want)
	}

	// A stream answers in order, and goes on after what is wrong.
	stream, err := client.ModelStreamInfer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const n = 20
	for i := range n {
		in := request("m", files(1), element(file))
		in.Id = strconv.Itoa(i)
		in.Parameters = map[string]*inference.InferParameter{"triton_enable_empty_final_response": {ParameterChoice: &inference.InferParameter_BoolParam{BoolParam: true}}}
		if i == 3 {
			in.RawInputContents = [][]byte{element([]byte("no picture"))}
		}
		if err := stream.Send(in); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		out, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if out.InferResponse.Id != strconv.Itoa(i) || (out.ErrorMessage != "") != (i == 3) || !out.InferResponse.Parameters["triton_final_response"].GetBoolParam() {
			t.Errorf("answer %d is %v", i, out)
		}
		if i == 3 {
			continue
		}
		near("stream", floats(out.InferResponse.RawOutputContents[0]), want)
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("after the stream: %v", err)
	}

	// What else there is.
	live, err := client.ServerLive(ctx, &inference.ServerLiveRequest{})
	ready, err2 := client.ServerReady(ctx, &inference.ServerReadyRequest{})
	modelReady, err3 := client.ModelReady(ctx, &inference.ModelReadyRequest{Name: "m"})
	if err != nil || err2 != nil || err3 != nil || !live.Live || !ready.Ready || !modelReady.Ready {
		t.Errorf("%v %v %v: %v %v %v", err, err2, err3, live, ready, modelReady)
	}
	about, err := client.ServerMetadata(ctx, &inference.ServerMetadataRequest{})
	if err != nil || about.Version != "1.2" || about.Name != "inception" {
		t.Errorf("%v: %v", err, about)
	}
	metadataOf, err := client.ModelMetadata(ctx, &inference.ModelMetadataRequest{Name: "m"})
	if err != nil || !slices.Equal(metadataOf.Inputs[0].Shape, []int64{-1, side, side, 3}) || len(metadataOf.Outputs) != 1 || metadataOf.Outputs[0].Name != "probabilities" {
		t.Errorf("%v: %v", err, metadataOf)
	}
	config, err := client.ModelConfig(ctx, &inference.ModelConfigRequest{Name: "m"})
	if err != nil || config.Config.MaxBatchSize != 64 || config.Config.Input[0].Format != inference.ModelInput_FORMAT_NHWC {
		t.Errorf("%v: %v", err, config)
	}
	statistics, err := client.ModelStatistics(ctx, &inference.ModelStatisticsRequest{})
	if err != nil || len(statistics.ModelStats) != 1 || statistics.ModelStats[0].InferenceStats.Success.Count != 4+1+n-1 || statistics.ModelStats[0].InferenceStats.Fail.Count != 1 ||
		statistics.ModelStats[0].InferenceCount != 5+1+n-1 || statistics.ModelStats[0].LastInference == 0 || len(statistics.ModelStats[0].BatchStats) == 0 {
		t.Errorf("%v: %v", err, statistics)
	}
	index, err := client.RepositoryIndex(ctx, &inference.RepositoryIndexRequest{Ready: true})
	if err != nil || len(index.Models) != 1 || index.Models[0].State != "READY" {
		t.Errorf("%v: %v", err, index)
	}
	for service, want := range map[string]codes.Code{"": codes.OK, "inference.GRPCInferenceService": codes.OK, "m": codes.OK, "x": codes.NotFound} {
		h, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
		if status.Code(err) != want || err == nil && h.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: %v, %v", service, h, err)
		}
	}
	reflected, err := reflectionpb.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = reflected.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	services, err := reflected.Recv()
	if err != nil || len(services.GetListServicesResponse().GetService()) < 3 {
		t.Errorf("%v: %v", err, services)
	}
	w := ask(t, s, 200, "GET", "/metrics", nil)
	if part := `nv_inference_request_success{model="m",version="1"} 24`; !strings.Contains(w.Body.String(), part) {
		t.Errorf("%s should contain %s", w.Body, part)
	}
}

// roundedClasses cuts the last digits of values, which depend on the batch.
func roundedClasses(text string) string {
	return regexp.MustCompile(`(\.\d{3})\d+`).ReplaceAllString(text, "$1")
}

// TestGRPCFaults expects of each fault its code and what is wrong.
func TestGRPCFaults(t *testing.T) {
	ctx := context.Background()
	s := newServer(t, server.Options{ModelControl: true, MaxBody: 1 << 20}, model(t, "m", tiny(t), predict.BatcherOptions{}))
	connection, _ := overGRPC(t, s, server.Stopping{})
	client := inference.NewGRPCInferenceServiceClient(connection)
	infer := func(in *inference.ModelInferRequest) error {
		_, err := client.ModelInfer(ctx, in)
		return err
	}
	with := func(change func(*inference.ModelInferRequest)) error {
		in := request("m", files(1), element([]byte("file")))
		change(in)
		return infer(in)
	}
	many := func(in *inference.ModelInferRequest) {
		in.Inputs = slices.Repeat([]*inference.ModelInferRequest_InferInputTensor{{}}, 100_000)
	}
	for what, c := range map[string]struct {
		err  error
		code codes.Code
		part string
	}{
		"no picture":  {with(func(*inference.ModelInferRequest) {}), codes.InvalidArgument, "image 0 of 1"},
		"no model":    {with(func(in *inference.ModelInferRequest) { in.ModelName = "" }), codes.InvalidArgument, "model_name"},
		"other model": {with(func(in *inference.ModelInferRequest) { in.ModelName = "x" }), codes.NotFound, `"x"`},
		"version":     {with(func(in *inference.ModelInferRequest) { in.ModelVersion = "7" }), codes.NotFound, `"7"`},
		"no input":    {with(func(in *inference.ModelInferRequest) { in.Inputs = nil }), codes.InvalidArgument, "inputs"},
		"two inputs": {with(func(in *inference.ModelInferRequest) {
			in.Inputs = append(in.Inputs, in.Inputs[0])
		}), codes.InvalidArgument, "inputs[1].name"},
		"two raw": {with(func(in *inference.ModelInferRequest) {
			in.RawInputContents = append(in.RawInputContents, nil)
		}), codes.InvalidArgument, "raw_input_contents: expected one"},
		"raw and typed": {with(func(in *inference.ModelInferRequest) {
			in.Inputs[0].Contents = &inference.InferTensorContents{BytesContents: [][]byte{nil}}
		}), codes.InvalidArgument, "give one of them"},
		"other contents": {with(func(in *inference.ModelInferRequest) {
			in.RawInputContents = nil
			in.Inputs[0].Contents = &inference.InferTensorContents{IntContents: []int32{1}}
		}), codes.InvalidArgument, "expected bytes_contents for the datatype BYTES, found int_contents"},
		"no contents":    {with(func(in *inference.ModelInferRequest) { in.RawInputContents = nil }), codes.InvalidArgument, "bytes_contents: expected 1 elements"},
		"negative shape": {with(func(in *inference.ModelInferRequest) { in.Inputs[0].Shape[0] = -1 }), codes.InvalidArgument, "shape"},
		"huge shape":     {with(func(in *inference.ModelInferRequest) { in.Inputs[0].Shape[0] = math.MaxInt64 }), codes.InvalidArgument, "shape"},
		"short tensor": {with(func(in *inference.ModelInferRequest) {
			in.Inputs[0].Datatype, in.Inputs[0].Shape = "FP32", []int64{1, side, side, 3}
		}), codes.InvalidArgument, "raw_input_contents[0]"},
		"timeout": {with(func(in *inference.ModelInferRequest) {
			in.Parameters = map[string]*inference.InferParameter{"timeout": {ParameterChoice: &inference.InferParameter_Int64Param{Int64Param: -1}}}
		}), codes.InvalidArgument, "parameters.timeout"},
		"empty parameter": {with(func(in *inference.ModelInferRequest) {
			in.Parameters = map[string]*inference.InferParameter{"priority": {}}
		}), codes.InvalidArgument, "parameters.priority"},
		"shared memory": {with(func(in *inference.ModelInferRequest) {
			in.Inputs[0].Parameters = map[string]*inference.InferParameter{"shared_memory_region": {ParameterChoice: &inference.InferParameter_StringParam{StringParam: "r"}}}
		}), codes.Unimplemented, "shared memory"},
		"large":      {with(func(in *inference.ModelInferRequest) { in.RawInputContents[0] = make([]byte, 1<<20) }), codes.ResourceExhausted, "larger than max"},
		"many parts": {with(many), codes.InvalidArgument, "so many parts"},
		"register": {func() error {
			_, err := client.SystemSharedMemoryRegister(ctx, &inference.SystemSharedMemoryRegisterRequest{})
			return err
		}(), codes.Unimplemented, "shared memory"},
		"log": {func() error { _, err := client.LogSettings(ctx, &inference.LogSettingsRequest{}); return err }(), codes.Unimplemented, "settings"},
		"load": {func() error {
			_, err := client.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{RepositoryName: "x"})
			return err
		}(), codes.NotFound, `"x"`},
		"no service": {connection.Invoke(ctx, "/a.B/C", &inference.ServerLiveRequest{}, &inference.ServerLiveResponse{}), codes.Unimplemented, "GRPCInferenceService"},
	} {
		if status.Code(c.err) != c.code || !strings.Contains(c.err.Error(), c.part) {
			t.Errorf("%s: %v, want %v with %q", what, c.err, c.code, c.part)
		}
	}
	if err := connection.Invoke(ctx, inference.GRPCInferenceService_ModelInfer_FullMethodName, noMessage("\xff\xff"), &inference.ServerLiveResponse{}, grpc.ForceCodec(rawCodec{})); status.Code(err) != codes.InvalidArgument {
		t.Errorf("what is no message: %v", err)
	}
}

// noMessage are bytes that rawCodec sends as they are.
type noMessage string

type rawCodec struct{}

func (rawCodec) Name() string                  { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) { return []byte(v.(noMessage)), nil }
func (rawCodec) Unmarshal([]byte, any) error   { return nil }

const clientKey = "a key of many characters"

// TestGRPCRefusals fills the queue, lets time go by, and asks without a key.
func TestGRPCRefusals(t *testing.T) {
	ctx := context.Background()
	access := &server.Access{}
	if err := access.AllowKeys(clientKey); err != nil {
		t.Fatal(err)
	}
	m := model(t, "m", tiny(t), predict.BatcherOptions{Images: 1, Delay: time.Hour})
	s := newServer(t, server.Options{Access: access}, m)
	connection, stop := overGRPC(t, s, server.Stopping{Timeout: time.Second})
	client := inference.NewGRPCInferenceServiceClient(connection)
	in := request("m", files(1), element(picture(t, 80, 80)))
	if _, err := client.ModelInfer(ctx, in); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a key: %v", err)
	}
	if _, err := client.ServerReady(ctx, &inference.ServerReadyRequest{}); err != nil {
		t.Errorf("a probe without a key: %v", err)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+clientKey, "x-request-id", "id-7")
	var header metadata.MD
	// A second is time enough to be taken into the queue on a machine that does much else.
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := client.ModelInfer(short, in, grpc.Header(&header)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("after the deadline: %v", err)
	}
	timed := request("m", files(1), in.RawInputContents[0])
	timed.Parameters = map[string]*inference.InferParameter{"timeout": {ParameterChoice: &inference.InferParameter_Uint64Param{Uint64Param: 1_000_000}}}
	if _, err := client.ModelInfer(ctx, timed, grpc.Header(&header)); status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "parameters.timeout") {
		t.Errorf("after the timeout: %v", err)
	}
	if ids := header.Get("x-request-id"); !slices.Equal(ids, []string{"id-7"}) {
		t.Errorf("the id is %v", ids)
	}
	waits := make(chan error, 1)
	go func() {
		_, err := client.ModelInfer(ctx, in)
		waits <- err
	}()
	until(t, "it waits in place of the others", func() bool {
		return metric(t, s, "inception_images_left_total") == 2 && pending(t, s) == 1
	})
	_, err := client.ModelInfer(ctx, in)
	var retry *errdetails.RetryInfo
	for _, d := range status.Convert(err).Details() {
		retry, _ = d.(*errdetails.RetryInfo)
	}
	if status.Code(err) != codes.Unavailable || retry.GetRetryDelay().AsDuration() <= 0 {
		t.Errorf("a full queue: %v, %v", err, retry)
	}
	stream, err := client.ModelStreamInfer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := healthpb.NewHealthClient(connection).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if h, err := watch.Recv(); err != nil || h.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("%v, %v", h, err)
	}
	if err := stop(); err == nil || !strings.Contains(err.Error(), "under way for longer") {
		t.Errorf("stopping with a request that takes an hour: %v", err)
	}
	if err := <-waits; err == nil {
		t.Error("it was answered")
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ended with %v", err)
	}
}

// TestGRPCStops expects idle streams to end, and what is under way to be answered.
func TestGRPCStops(t *testing.T) {
	ctx := context.Background()
	s := newServer(t, server.Options{}, model(t, "m", tiny(t), predict.BatcherOptions{Batch: 2, Delay: time.Second}))
	connection, stop := overGRPC(t, s, server.Stopping{})
	client := inference.NewGRPCInferenceServiceClient(connection)
	stream, err := client.ModelStreamInfer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(request("m", files(1), element(picture(t, 80, 80)))); err != nil {
		t.Fatal(err)
	}
	until(t, "it waits", func() bool { return pending(t, s) == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if out, err := stream.Recv(); err != nil || out.ErrorMessage != "" {
		t.Errorf("%v, %v", out, err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("then %v", err)
	}
}

// metric reads a figure of the model m.
func metric(t *testing.T, s http.Handler, name string) float64 {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Authorization", "Bearer "+clientKey)
	s.ServeHTTP(w, r)
	for line := range strings.Lines(w.Body.String()) {
		if value, ok := strings.CutPrefix(line, name+`{model="m",version="1"} `); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return 0
}

func pending(t *testing.T, s http.Handler) float64 {
	return metric(t, s, "nv_inference_pending_request_count")
}
