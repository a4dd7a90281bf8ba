// Package events writes event files, which TensorBoard shows: numbers and pictures of a
// run by step.
//
// A file is a sequence of TFRecords, each of which holds one Event of
// tensorflow/core/util/event.proto.
package events
