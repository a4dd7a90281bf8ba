#!/bin/sh
# Generates *.pb.go of inference.proto. PROTOC may be another compiler than protoc, such as
# "python -m grpc_tools.protoc" of the package grpcio-tools.
set -eu
plugins=$(mktemp -d)
trap 'rm -rf "$plugins"' EXIT
GOBIN=$plugins go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GOBIN=$plugins go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
cd ../..
PATH=$plugins:$PATH ${PROTOC:-protoc} --proto_path=. --go_out=. --go_opt=paths=source_relative \
	--go-grpc_out=. --go-grpc_opt=paths=source_relative server/inference/inference.proto
