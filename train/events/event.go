package events

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of the messages that are written, by their numbers in
// tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
const (
	eventWallTime    = 1 // double, seconds since 1970
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	eventSessionLog  = 7 // SessionLog

	sessionLogStatus = 1 // enum
	sessionStart     = 1 // a value of it

	summaryValue = 1 // repeated Value

	valueTag    = 1 // string
	valueSimple = 2 // float
	valueImage  = 4 // Image

	imageHeight     = 1 // int32
	imageWidth      = 2 // int32
	imageColorspace = 3 // int32
	imageEncoded    = 4 // bytes
	colorspaceRGB   = 3 // a value of imageColorspace
)

// fileVersion is what a file begins with; TensorBoard takes no other.
const fileVersion = "brain.Event:2"

// event encodes an Event whose content is the field number of the given bytes.
func event(wallTime float64, step int64, number protowire.Number, content []byte) []byte {
	b := protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(wallTime))
	b = appendNumber(b, eventStep, step)
	return appendBytes(b, number, content)
}

func scalarValue(s Scalar) []byte {
	b := appendBytes(nil, valueTag, []byte(s.Tag))
	b = protowire.AppendTag(b, valueSimple, protowire.Fixed32Type)
	return protowire.AppendFixed32(b, math.Float32bits(float32(s.Value)))
}

func pictureValue(tag string, width, height int, png []byte) []byte {
	image := appendNumber(nil, imageHeight, int64(height))
	image = appendNumber(image, imageWidth, int64(width))
	image = appendNumber(image, imageColorspace, colorspaceRGB)
	image = appendBytes(image, imageEncoded, png)
	b := appendBytes(nil, valueTag, []byte(tag))
	return appendBytes(b, valueImage, image)
}

func appendNumber(b []byte, number protowire.Number, v int64) []byte {
	b = protowire.AppendTag(b, number, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(v))
}

func appendBytes(b []byte, number protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, number, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}
