// Package onnx reads and writes ONNX models. Of a model that is read there are the
// initialisers of the graph, in the file or in files of external data beside it, and what
// the graph computes with them. A tensor is read when it is asked for. Batch norm that an
// exporter has folded into convolutions is read as their bias.
//
// Source: onnx/onnx.proto, docs/Operators.md and docs/ExternalData.md of ONNX 1.17.
package onnx
