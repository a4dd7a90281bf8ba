// Package export writes networks with their weights for other programs: as ONNX models,
// which ONNX Runtime, OpenVINO, TensorRT and others run.
package export
