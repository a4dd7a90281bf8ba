package server

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// receptionKey is the context's key of what ends a call whose message does not arrive.
type receptionKey struct{}

// beginReception gives a call's message as long to arrive as a body has over HTTP, and
// refuses calls that are too many.
func (s *Server) beginReception(arriving *arrivals) tap.ServerInHandle {
	return func(ctx context.Context, _ *tap.Info) (context.Context, error) {
		if arriving.open() > maxCalls {
			return nil, s.status(ctx, fmt.Errorf("the server answers %d calls: %w", maxCalls, predict.ErrBusy))
		}
		ctx, cancel := context.WithCancelCause(ctx)
		timer := time.AfterFunc(s.times.read, func() { cancel(fmt.Errorf("the message did not arrive within %v", s.times.read)) })
		context.AfterFunc(ctx, func() { timer.Stop() })
		return context.WithValue(ctx, receptionKey{}, timer), nil
	}
}

// endReception says that the message has arrived.
func endReception(ctx context.Context) {
	if timer, ok := ctx.Value(receptionKey{}).(*time.Timer); ok {
		timer.Stop()
	}
}

// boundedGzip decompresses a message for each processor at a time: what bombs become is not
// known before, and not counted until it is decoded.
type boundedGzip struct {
	most  int64 // bytes of a message
	turns chan struct{}
}

func newBoundedGzip(most int64) *boundedGzip {
	return &boundedGzip{most, make(chan struct{}, runtime.GOMAXPROCS(0))}
}

func (*boundedGzip) Type() string { return grpcgzip.Name }

// Do gives more than most, which gRPC refuses, rather than all of what is longer.
func (g *boundedGzip) Do(from io.Reader) ([]byte, error) {
	g.turns <- struct{}{}
	defer func() { <-g.turns }()
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, g.most+1))
}

// boundedCodec refuses messages that would take more memory than most once they are decoded:
// a field of two bytes may stand for an object of hundreds.
type boundedCodec struct{ most int64 }

// beyond is what a message may take beside its bytes, before they are compared.
const beyond = 1 << 20

func (c boundedCodec) Name() string { return grpcproto.Name }

func (c boundedCodec) Marshal(v any) (mem.BufferSlice, error) {
	return encoding.GetCodecV2(grpcproto.Name).Marshal(v)
}

// received is a message and what is wrong with it, which a codec may not say: gRPC takes that
// for a fault of the server.
type received struct {
	message any
	fault   error
}

// receive decodes a message.
func receive(decode func(any) error, to any) error {
	r := received{message: to}
	if err := decode(&r); err != nil {
		return err
	}
	if r.fault != nil {
		return status.Errorf(codes.InvalidArgument, "the message: %v", r.fault)
	}
	return nil
}

func (c boundedCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if r, ok := v.(*received); ok {
		r.fault = c.Unmarshal(data, r.message)
		return nil
	}
	message, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("expected a message of Protocol Buffers, found %T", v)
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	bytes := buffer.ReadOnlyData()
	if err := c.check(message.ProtoReflect().Descriptor(), bytes); err != nil {
		return err
	}
	return proto.Unmarshal(bytes, message)
}

func (c boundedCodec) check(kind protoreflect.MessageDescriptor, bytes []byte) error {
	left := c.most + beyond
	return decoded(kind, bytes, &left)
}

// The memory of what is decoded, about.
const (
	objectBytes = 256 // a message, with its place in a list or map
	sliceBytes  = 24
	scalarBytes = 8
)

// decoded takes what a message needs once it is decoded from left. What is no message is left
// to who decodes it.
func decoded(kind protoreflect.MessageDescriptor, bytes []byte, left *int64) error {
	fields := kind.Fields()
	for len(bytes) > 0 {
		number, wire, n := protowire.ConsumeTag(bytes)
		if n < 0 {
			return nil
		}
		bytes = bytes[n:]
		n = protowire.ConsumeFieldValue(number, wire, bytes)
		if n < 0 {
			return nil
		}
		field, cost := fields.ByNumber(number), int64(n+scalarBytes)
		var inner []byte
		if wire == protowire.BytesType && field != nil {
			inner, _ = protowire.ConsumeBytes(bytes)
			switch field.Kind() {
			case protoreflect.MessageKind:
				cost = objectBytes
			case protoreflect.StringKind, protoreflect.BytesKind:
				cost = sliceBytes + int64(len(inner))
			case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.BoolKind:
				cost = int64(len(inner))
			default:
				cost = scalarBytes * int64(len(inner)) // of integers that may be one byte
			}
		}
		if *left -= cost; *left < 0 {
			return fmt.Errorf("the message has so many parts that it takes more memory than is allowed for one; expected one tensor, as raw_input_contents")
		}
		if wire == protowire.BytesType && field != nil && field.Kind() == protoreflect.MessageKind {
			if err := decoded(field.Message(), inner, left); err != nil {
				return err
			}
		}
		bytes = bytes[n:]
	}
	return nil
}
