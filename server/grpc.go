package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"runtime"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // registers it
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// retryAfter is when what was refused may be tried again.
const retryAfter = time.Second

// The limits on a gRPC connection, beside those of HTTP.
const (
	maxStreams       = 256  // calls at a time
	maxCalls         = 4096 // of all connections
	streamWindow     = 64 << 10
	connectionWindow = 1 << 20
	// Clients that ping more often are sent away; the protocol's clients do every few seconds
	// where they are told to.
	minPing = 5 * time.Second
	// A connection that does not answer a ping is closed, so that its images are not computed.
	pingAfter   = time.Minute
	pingTimeout = 20 * time.Second
)

// newGRPC returns a server of the Open Inference Protocol with health and reflection. Its
// streams end when stopping is closed.
func (s *Server) newGRPC(stopping <-chan struct{}) (*grpc.Server, *health, *arrivals) {
	arriving := newArrivals(s.options.Bodies, s.options.Log)
	var encryption credentials.TransportCredentials
	if s.options.TLS != nil {
		encryption = credentials.NewTLS(s.options.TLS)
	}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(int(s.options.MaxBody)),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(s.times.header),
		// What has come of calls that nobody reads yet is no more than their windows; those that
		// are read get windows of their messages.
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout, MaxConnectionIdle: idleTimeout}),
		grpc.InTapHandle(s.beginReception(arriving)),
		grpc.Creds(arriving.credentials(encryption)),
		//lint:ignore SA1019 the others are the whole process's, and this one is the server's
		grpc.RPCDecompressor(newBoundedGzip(s.options.MaxBody)),
		grpc.ForceServerCodecV2(boundedCodec{most: s.options.MaxBody}),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.streams(stopping)),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
			return status.Error(codes.Unimplemented, "expected a call of inference.GRPCInferenceService, grpc.health.v1.Health or reflection")
		}),
	}
	g := grpc.NewServer(options...)
	g.RegisterService(decodingFaults(inference.GRPCInferenceService_ServiceDesc), &service{server: s, stopping: stopping})
	h := newHealth(s)
	healthpb.RegisterHealthServer(g, h)
	reflection.Register(g)
	return g, h, arriving
}

// decodingFaults makes messages that cannot be decoded the client's fault.
func decodingFaults(d grpc.ServiceDesc) *grpc.ServiceDesc {
	d.Methods = slices.Clone(d.Methods)
	for i, m := range d.Methods {
		d.Methods[i].Handler = func(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			return m.Handler(srv, ctx, func(to any) error { return receive(decode, to) }, interceptor)
		}
	}
	return &d
}

// unary answers a call of one message.
func (s *Server) unary(ctx context.Context, in any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (out any, err error) {
	endReception(ctx)
	err = s.call(ctx, info.FullMethod, func(ctx context.Context, id string) error {
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-request-id", id))
		release, err := s.hold(in)
		if err != nil {
			return err
		}
		defer release()
		out, err = handler(ctx, in)
		return err
	})
	return out, err
}

// streams answers calls of many messages, which need not end by themselves: when the server
// stops they do, those of inference when what they have asked for is answered.
func (s *Server) streams(stopping <-chan struct{}) grpc.StreamServerInterceptor {
	return func(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		endReception(stream.Context()) // it has no end to wait for
		return s.call(stream.Context(), info.FullMethod, func(ctx context.Context, id string) error {
			_ = stream.SetHeader(metadata.Pairs("x-request-id", id))
			if info.FullMethod == inference.GRPCInferenceService_ModelStreamInfer_FullMethodName {
				return handler(service, streamIn{stream, ctx})
			}
			ended := make(chan error, 1)
			go func() {
				defer func() {
					if v := recover(); v != nil {
						ended <- caught(v)
					}
				}()
				ended <- handler(service, streamIn{stream, ctx})
			}()
			select {
			case err := <-ended:
				return err
			case <-stopping:
				return predict.ErrDraining
			}
		})
	}
}

// streamIn is a stream with another context.
type streamIn struct {
	grpc.ServerStream
	ctx context.Context
}

func (s streamIn) Context() context.Context { return s.ctx }

func (s streamIn) RecvMsg(to any) error { return receive(s.ServerStream.RecvMsg, to) }

// hold keeps the memory of a message from others' until release is called.
func (s *Server) hold(message any) (release func(), err error) {
	bytes := int64(0)
	if m, ok := message.(proto.Message); ok {
		bytes = int64(proto.Size(m))
	}
	return s.reserve(bytes)
}

// call checks who asks, logs what is answered, and makes errors and panics a status.
func (s *Server) call(ctx context.Context, method string, answer func(ctx context.Context, id string) error) (err error) {
	began := time.Now()
	r := http.Request{Header: http.Header{}}
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md {
		r.Header[textproto.CanonicalMIMEHeaderKey(name)] = values
	}
	trace, parent := traceOf(r.Header)
	id := idOf(r.Header, trace)
	ctx = context.WithValue(ctx, requestKey{}, id)
	remote := ""
	var connection *tls.ConnectionState
	if p, ok := peer.FromContext(ctx); ok {
		remote = p.Addr.String()
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			connection = &info.State
		}
	}
	defer func() {
		if v := recover(); v != nil {
			err = s.status(ctx, caught(v))
		}
		code := status.Code(err)
		s.metrics.calls.WithLabelValues(code.String()).Inc()
		line := []any{"call", method, "code", code.String(), "duration", time.Since(began), "remote", remote, "id", id}
		if trace != "" {
			line = append(line, "trace", trace, "parent", parent)
		}
		s.options.Log.Info("request", line...)
	}()
	if !openCalls[method] {
		if err := s.options.Access.Check(keyOf(&r), connection); err != nil {
			return s.status(ctx, err)
		}
	}
	if err := answer(ctx, id); err != nil {
		return s.status(ctx, err)
	}
	return nil
}

// openCalls are answered to everybody, as open says of paths.
var openCalls = map[string]bool{
	inference.GRPCInferenceService_ServerLive_FullMethodName:  true,
	inference.GRPCInferenceService_ServerReady_FullMethodName: true,
	healthpb.Health_Check_FullMethodName:                      true,
	healthpb.Health_Watch_FullMethodName:                      true,
}

// status makes an error that of a call. What is refused for now says when to try again.
func (s *Server) status(ctx context.Context, err error) error {
	if known, ok := status.FromError(err); ok {
		return known.Err()
	}
	of := status.New(codeOf(err), s.explain(ctx, err))
	if of.Code() == codes.Unavailable {
		if detailed, err := of.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)}); err == nil {
			of = detailed
		}
	}
	return of.Err()
}

// service answers the calls of the protocol.
type service struct {
	inference.UnimplementedGRPCInferenceServiceServer
	server   *Server
	stopping <-chan struct{}
}

func (v *service) ServerLive(context.Context, *inference.ServerLiveRequest) (*inference.ServerLiveResponse, error) {
	return &inference.ServerLiveResponse{Live: true}, nil
}

func (v *service) ServerReady(context.Context, *inference.ServerReadyRequest) (*inference.ServerReadyResponse, error) {
	ready, _ := v.server.readiness()
	return &inference.ServerReadyResponse{Ready: ready}, nil
}

// ModelReady is false of a model that is there and does not serve.
func (v *service) ModelReady(_ context.Context, in *inference.ModelReadyRequest) (*inference.ModelReadyResponse, error) {
	_, leave, err := v.find(in.Name, in.Version)
	switch {
	case codeOf(err) == codes.Unavailable && err != nil:
		return &inference.ModelReadyResponse{}, nil
	case err != nil:
		return nil, err
	}
	defer leave()
	return &inference.ModelReadyResponse{Ready: !v.server.draining.Load()}, nil
}

func (v *service) ServerMetadata(context.Context, *inference.ServerMetadataRequest) (*inference.ServerMetadataResponse, error) {
	m := v.server.metadata()
	return &inference.ServerMetadataResponse{Name: m.Name, Version: m.Version, Extensions: m.Extensions}, nil
}

func (v *service) ModelMetadata(_ context.Context, in *inference.ModelMetadataRequest) (*inference.ModelMetadataResponse, error) {
	m, leave, err := v.find(in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	defer leave()
	return m.protocol.Metadata().GRPC(), nil
}

func (v *service) ModelConfig(_ context.Context, in *inference.ModelConfigRequest) (*inference.ModelConfigResponse, error) {
	m, leave, err := v.find(in.Name, in.Version)
	if err != nil {
		return nil, err
	}
	defer leave()
	return &inference.ModelConfigResponse{Config: m.config()}, nil
}

func (v *service) ModelStatistics(_ context.Context, in *inference.ModelStatisticsRequest) (*inference.ModelStatisticsResponse, error) {
	return v.server.statistics(in.Name, in.Version)
}

// find returns a model by its name, which has to be there.
func (v *service) find(name, version string) (*Model, func(), error) {
	if name == "" {
		return nil, nil, badRequest("name: expected the name of a model, found nothing")
	}
	return v.server.models.Find(name, version)
}

// ModelInfer answers a request as infer does over HTTP.
func (v *service) ModelInfer(ctx context.Context, in *inference.ModelInferRequest) (out *inference.ModelInferResponse, err error) {
	if in.ModelName == "" {
		return nil, badRequest("model_name: expected the name of a model, found nothing")
	}
	m, leave, err := v.server.models.Find(in.ModelName, in.ModelVersion)
	if err != nil {
		return nil, err
	}
	return out, v.server.use(m, leave, func() error {
		request, err := m.protocol.ParseGRPC(in)
		if err != nil {
			return err
		}
		response, err := m.infer(ctx, request)
		if err == nil {
			out = response.GRPC()
		}
		return err
	})
}

// finalResponse is the parameter that tells clients which ask for it that a request of a
// stream has no further answers.
const finalResponse, askFinalResponse = "triton_final_response", "triton_enable_empty_final_response"

// ModelStreamInfer answers requests in their order, several at a time, so that those of one
// client become batches. When the server stops it answers those that are there.
func (v *service) ModelStreamInfer(stream inference.GRPCInferenceService_ModelStreamInferServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	type answer chan *inference.ModelStreamInferResponse
	answers := make(chan answer, max(predict.DefaultBatch, runtime.GOMAXPROCS(0))) // at a time
	received := make(chan error, 1)
	go func() {
		requests := make(chan *inference.ModelInferRequest)
		ended := make(chan error, 1)
		go func() {
			for {
				in, err := stream.Recv()
				if err != nil {
					ended <- err
					return
				}
				select {
				case requests <- in:
				case <-ctx.Done():
					ended <- ctx.Err()
					return
				}
			}
		}()
		defer close(answers)
		for {
			select {
			case in := <-requests:
				a := make(answer, 1)
				select {
				case answers <- a:
				case <-ctx.Done():
					received <- ctx.Err()
					return
				}
				go func() { a <- v.answer(ctx, in) }()
			case err := <-ended:
				received <- err
				return
			case <-v.stopping:
				received <- predict.ErrDraining
				return
			}
		}
	}()
	for a := range answers {
		if err := stream.Send(<-a); err != nil {
			return err
		}
	}
	if err := <-received; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// answer is one of a stream: an error is its own, and does not end the stream.
func (v *service) answer(ctx context.Context, in *inference.ModelInferRequest) (out *inference.ModelStreamInferResponse) {
	fail := func(err error) *inference.ModelStreamInferResponse {
		return &inference.ModelStreamInferResponse{
			ErrorMessage:  v.server.explain(ctx, err),
			InferResponse: &inference.ModelInferResponse{ModelName: in.ModelName, ModelVersion: in.ModelVersion, Id: in.Id},
		}
	}
	defer func() {
		if r := recover(); r != nil {
			out = fail(caught(r))
		}
	}()
	release, err := v.server.hold(in)
	if err != nil {
		return fail(err)
	}
	defer release()
	response, err := v.ModelInfer(ctx, in)
	if err != nil {
		out = fail(err)
	} else {
		out = &inference.ModelStreamInferResponse{InferResponse: response}
	}
	if in.Parameters[askFinalResponse].GetBoolParam() {
		if out.InferResponse.Parameters == nil {
			out.InferResponse.Parameters = map[string]*inference.InferParameter{}
		}
		out.InferResponse.Parameters[finalResponse] = &inference.InferParameter{ParameterChoice: &inference.InferParameter_BoolParam{BoolParam: true}}
	}
	return out
}

func (v *service) RepositoryIndex(_ context.Context, in *inference.RepositoryIndexRequest) (*inference.RepositoryIndexResponse, error) {
	out := &inference.RepositoryIndexResponse{}
	for _, m := range v.server.modelIndex(in.Ready) {
		out.Models = append(out.Models, &inference.RepositoryIndexResponse_ModelIndex{Name: m.Name, Version: m.Version, State: string(m.State), Reason: m.Reason})
	}
	return out, nil
}

func (v *service) RepositoryModelLoad(ctx context.Context, in *inference.RepositoryModelLoadRequest) (*inference.RepositoryModelLoadResponse, error) {
	name, err := nameOf(in.RepositoryName, in.ModelName)
	if err != nil {
		return nil, err
	}
	for parameter := range in.Parameters {
		return nil, badLoadParameter(parameter)
	}
	if err := v.server.loadModel(ctx, name); err != nil {
		return nil, err
	}
	return &inference.RepositoryModelLoadResponse{ModelName: name, IsLoaded: true}, nil
}

func (v *service) RepositoryModelUnload(ctx context.Context, in *inference.RepositoryModelUnloadRequest) (*inference.RepositoryModelUnloadResponse, error) {
	name, err := nameOf(in.RepositoryName, in.ModelName)
	if err != nil {
		return nil, err
	}
	if err := v.server.unloadModel(ctx, name); err != nil {
		return nil, err
	}
	return &inference.RepositoryModelUnloadResponse{ModelName: name, IsUnloaded: true}, nil
}

func (v *service) SystemSharedMemoryStatus(context.Context, *inference.SystemSharedMemoryStatusRequest) (*inference.SystemSharedMemoryStatusResponse, error) {
	return nil, errSharedMemory
}

func (v *service) SystemSharedMemoryRegister(context.Context, *inference.SystemSharedMemoryRegisterRequest) (*inference.SystemSharedMemoryRegisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) SystemSharedMemoryUnregister(context.Context, *inference.SystemSharedMemoryUnregisterRequest) (*inference.SystemSharedMemoryUnregisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) CudaSharedMemoryStatus(context.Context, *inference.CudaSharedMemoryStatusRequest) (*inference.CudaSharedMemoryStatusResponse, error) {
	return nil, errSharedMemory
}

func (v *service) CudaSharedMemoryRegister(context.Context, *inference.CudaSharedMemoryRegisterRequest) (*inference.CudaSharedMemoryRegisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) CudaSharedMemoryUnregister(context.Context, *inference.CudaSharedMemoryUnregisterRequest) (*inference.CudaSharedMemoryUnregisterResponse, error) {
	return nil, errSharedMemory
}

func (v *service) TraceSetting(context.Context, *inference.TraceSettingRequest) (*inference.TraceSettingResponse, error) {
	return nil, errSettings
}

func (v *service) LogSettings(context.Context, *inference.LogSettingsRequest) (*inference.LogSettingsResponse, error) {
	return nil, errSettings
}
