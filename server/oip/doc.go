// Package oip is the Open Inference Protocol, version 2, over HTTP, of a model of one input:
// what requests and responses hold, with the binary tensor extension and Triton's
// classification extension. It knows of no model and no listener: Request.Parse checks a body
// against a Model, and Response.Encode writes one.
//
// A body is hostile until it is checked: sizes are compared with what is there before
// anything of that size is allocated. Each fault of a request is an Error that has its HTTP
// status and names the field.
//
// The specification is that of KServe (docs.kserve.io, "Open Inference Protocol") with the
// extensions that Triton describes (docs/protocol/extension_binary_data.md and
// extension_classification.md).
package oip
