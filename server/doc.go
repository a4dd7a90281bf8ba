// Package server answers requests with classifiers: the Open Inference Protocol, version 2,
// over HTTP and gRPC (packages oip and inference), the protocol of TensorFlow Serving and of
// KServe's version 1 (package tfserving), pictures by curl, and a page for people (package
// page). A row of the table of endpoints is one of them; package client asks.
package server
