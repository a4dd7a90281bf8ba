package server

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // registers it
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/seed-fb2c0fa6/inception/server/inference"
)

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
