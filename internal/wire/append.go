package wire

import "google.golang.org/protobuf/encoding/protowire"

// AppendNumber appends a field that is a varint, whatever its value.
func AppendNumber(m []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), v)
}

// AppendText appends a field of text.
func AppendText(m []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), text)
}

// AppendBytes appends a field of bytes, or of an encoded message.
func AppendBytes(m []byte, field protowire.Number, data []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), data)
}
