package server

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/textproto"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

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

// retryAfter is when what was refused may be tried again.
const retryAfter = time.Second

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
