package events

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
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
	b = wire.AppendNumber(b, eventStep, uint64(step))
	return wire.AppendBytes(b, number, content)
}

func scalarValue(s Scalar) []byte {
	b := wire.AppendText(nil, valueTag, s.Tag)
	b = protowire.AppendTag(b, valueSimple, protowire.Fixed32Type)
	return protowire.AppendFixed32(b, math.Float32bits(float32(s.Value)))
}

func pictureValue(tag string, width, height int, png []byte) []byte {
	image := wire.AppendNumber(nil, imageHeight, uint64(height))
	image = wire.AppendNumber(image, imageWidth, uint64(width))
	image = wire.AppendNumber(image, imageColorspace, colorspaceRGB)
	image = wire.AppendBytes(image, imageEncoded, png)
	b := wire.AppendText(nil, valueTag, tag)
	return wire.AppendBytes(b, valueImage, image)
}
