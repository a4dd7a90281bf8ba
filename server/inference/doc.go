// Package inference is the Open Inference Protocol, version 2, over gRPC, for servers and for
// clients of them: messages and service in Go, generated of inference.proto.
//
// generate.sh runs protoc, which it takes from PATH or from PROTOC, with the plugins of the
// versions that it names.
package inference

//go:generate sh generate.sh
